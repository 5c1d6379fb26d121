"""Real data: bundled with kept packages, or read from --data PATH. Nothing is downloaded or unpickled."""
