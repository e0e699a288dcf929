"""Where a host starts the bundle: the server on stdio, with what the host asked its user for."""

import sys

from texml_mcp.cli.serve import run

sys.exit(run(sys.argv[1:]))
