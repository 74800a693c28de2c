"""Pages that one would send to a colleague: a run, several runs beside each other. One file each, with all in it."""
