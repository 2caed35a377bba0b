"""What the command line does, one file a command. The only place that reads configuration and wires parts together."""
