"""`python3 station.pyz` and `python3 -m ganad_station`."""

import sys

from ganad_station.cli import main

sys.exit(main())
