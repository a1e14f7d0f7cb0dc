"""What leaves for a station: a page of instructions a board, and the package `ganad_station`."""
