"""Where cases are kept and how they are asked for: the I/O of `cases`."""
