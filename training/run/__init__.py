"""One run: its folder, network, optimizer, callbacks and devices."""
