"""Colours that stay apart for colour-blind readers: Okabe and Ito's palette (jfly.uni-koeln.de/color)."""

BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
YELLOW = "#E69F00"
NEUTRAL = "#7f7f7f"  # not theirs; it shows on light and on dark
