"""What people see: terminal tables, LaTeX, one self-contained HTML page."""
