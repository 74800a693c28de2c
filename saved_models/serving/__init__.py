"""Networks behind a server: client, configuration, whole lists of videos."""
