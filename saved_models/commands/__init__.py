"""The commands that ask a network or ship it: one file each."""
