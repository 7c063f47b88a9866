"""A plugin for a project's pytest: the programs that its tests start run in a warm Python."""

import os
import sys

sys.executable = os.environ["WARM_PYTHON"]
