"""What the tests of the suite share: hand-written traces are told in `story`, which stands beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
