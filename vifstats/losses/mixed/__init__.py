"""Linear mixed models: docs/mathematics.md, equations (48) to (52).

`random_effects` says what varies between groups and by which parameters, `group_sums` are the
sums over groups that likelihood, gradient and Hessian are made of, `cross_products` what of the
rows they read, `loss` puts them together.
"""
