"""The command line's commands, a module for each thing they are about."""
