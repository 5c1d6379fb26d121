"""Colours that stay apart for colour-blind readers: Okabe and Ito's palette (jfly.uni-koeln.de/color)."""

BLUE = "#0072B2"
ORANGE = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
SKY = "#56B4E9"
YELLOW = "#E69F00"
# Not theirs: a grey that shows on light and on dark, and the figures' ink, which a page makes its own.
NEUTRAL = "#7f7f7f"
INK = "#1c2024"
