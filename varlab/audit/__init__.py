"""The audit: does the i.i.d. N(0, s^2) assumption hold on a model, and what does its failure cost?"""
