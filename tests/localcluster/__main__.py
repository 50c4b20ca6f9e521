"""The local cluster's command line."""

import sys

from tests.localcluster.cli import main

sys.exit(main())
