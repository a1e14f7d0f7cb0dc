"""The runtimes that a station may have, behind one interface."""
