// A process of which only the start and the end are measured.
