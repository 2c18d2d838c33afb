"""What the process that all others are forked from imports first: it ends with its parent.

And so does whatever is forked from it, within the time that the system takes to kill a process.
"""

from __future__ import annotations

import os

from bench.cells.parent import end_with_all_that_is_forked

end_with_all_that_is_forked(os.getppid())
