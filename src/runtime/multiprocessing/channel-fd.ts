/** The descriptor of the channel to the parent in a child process. */
export const CHANNEL_FD = 3;
/**
 * The descriptor by which a pool's worker tells its parent, which writes nothing to it. It is another one, because what a
 * dead process has said can be read to its end only from a channel to which nobody tries to write.
 */
export const RESULT_FD = 4;
