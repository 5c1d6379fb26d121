"""The symbols of the theory, declared here and nowhere else, in the paper's notation."""

import sympy as sp

# The law of one coordinate
rho = sp.Symbol("rho", positive=True)  # degrees of freedom
tau = sp.Symbol("tau", positive=True)  # scale of the inverse chi-square; tau^2 = 1 / s^2
s = sp.Symbol("s", positive=True)  # standard deviation of the gradient
mu = sp.Symbol("mu", real=True)  # mean of the gradient
x = sp.Symbol("x", positive=True)
y = sp.Symbol("y", positive=True)
g = sp.Symbol("g", real=True)  # a gradient
z = sp.Symbol("z", positive=True)  # argument of a Laplace transform
k = sp.Symbol("k", positive=True)  # order of a moment
p = sp.Symbol("p", real=True)  # order of a moment, any real number
n = sp.Symbol("n", integer=True, nonnegative=True)  # index of a series, from 0
nu = sp.Symbol("t", positive=True)  # degrees of freedom in Appendix A, called t there (not a step)
delta = sp.Symbol("delta", positive=True)  # a small cut-off

# The moving average
t = sp.Symbol("t", integer=True, positive=True)  # step, from 1
i = sp.Symbol("i", integer=True, positive=True)  # index of a gradient, from 1
b1 = sp.Symbol("beta_1", positive=True)  # decay of the first moment
b2 = sp.Symbol("beta_2", positive=True)  # decay of the second moment
f = sp.Symbol("f", positive=True)  # length of the simple moving average

# Rectification and steps
rho_inf = sp.Symbol("rho_infinity", positive=True)  # limit of rho_t
r = sp.Symbol("r", positive=True)  # rectification factor
C_var = sp.Symbol("C_var", positive=True)  # target variance
lr = sp.Symbol("alpha", positive=True)  # learning rate
eps = sp.Symbol("epsilon", positive=True)
c = sp.Symbol("c", positive=True)  # a scale factor
m = sp.Symbol("m", real=True)  # bias-corrected first moment, mhat
v = sp.Symbol("v", positive=True)  # bias-corrected second moment, vhat

# The exact law
w = sp.Symbol("w", positive=True)  # weight of one squared gradient
theta = sp.Symbol("theta", positive=True)  # an angle
phi = sp.Symbol("phi", real=True)  # coefficient of an AR(1) gradient, -1 < phi < 1
