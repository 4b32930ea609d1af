/** The descriptor of the channel to the parent in a child process. */
export const CHANNEL_FD = 3;
