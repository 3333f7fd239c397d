# Weibull models with shared frailty, maximised here: Newton steps on central differences of the marginal log
# likelihood. Gamma frailties are integrated in closed form, log-normal ones by integrate().
library(survival)
options(warn = 2)
rows <- data.frame(kidney$id, kidney$time / 100, kidney$status, kidney$age / 10, kidney$sex - 1)
names(rows) <- c("id", "time", "status", "age", "female")
write.csv(rows, "kidney.csv", row.names = FALSE)

loglik <- function(theta, d, distribution) {
  k <- exp(theta[4]); v <- exp(theta[5]); eta <- d$age * theta[1] + d$female * theta[2] + theta[3]
  sums <- rowsum(cbind(d$status, d$time^k * exp(eta)), d$id); D <- sums[, 1]; S <- sums[, 2]
  logs <- sum(d$status * (theta[4] + (k - 1) * log(d$time) + eta))
  if (distribution == "gamma") {
    q <- 1 / v
    return(logs + sum(lgamma(q + D) - lgamma(q) + q * log(q) - (q + D) * log(q + S)))
  }
  one <- function(D, S) {
    h <- function(s) D * s - S * exp(s) + dnorm(s, 0, sqrt(v), log = TRUE)
    at <- optimize(h, c(-20, 20), maximum = TRUE, tol = 1e-8)
    f <- function(s) exp(h(s) - at$objective)
    w <- 12 * sqrt(1 / (S * exp(at$maximum) + 1 / v))
    log(integrate(f, at$maximum - w, at$maximum + w, rel.tol = 1e-13, abs.tol = 0, subdivisions = 1000)$value) + at$objective
  }
  logs + sum(mapply(one, D, S))
}

fitted <- function(d, distribution, start) {
  f <- function(theta) loglik(theta, d, distribution)
  if (distribution == "gamma") start <- nlminb(start, function(t) -f(t), control = list(rel.tol = 1e-12))$par
  h <- 1e-3; I <- diag(5)
  for (step in 1:6) {
    # fourth-order differences for the slope, second-order ones for the curvature
    g <- sapply(1:5, function(i) (8 * (f(start + h * I[i, ]) - f(start - h * I[i, ])) - (f(start + 2 * h * I[i, ]) - f(start - 2 * h * I[i, ]))) / (12 * h))
    H <- outer(1:5, 1:5, Vectorize(function(i, j) (f(start + h * (I[i, ] + I[j, ])) - f(start + h * (I[i, ] - I[j, ])) - f(start - h * (I[i, ] - I[j, ])) + f(start - h * (I[i, ] + I[j, ]))) / (4 * h^2)))
    start <- start - solve(H, g)
  }
  start
}

out <- NULL
for (distribution in c("gamma", "lognormal")) {
  full <- fitted(rows, distribution, c(0, -1.5, 1, 0.2, -0.6))
  keep <- function(object, without, theta) out <<- rbind(out, data.frame(distribution, object, without, t(theta)))
  keep("all", NA, full)
  for (id in unique(rows$id)) keep("patient", id, fitted(rows[rows$id != id, ], distribution, full))
  # rows too where integrate() does not take seconds for each fit; counted from 0
  if (distribution == "gamma") for (i in 1:nrow(rows)) keep("row", i - 1, fitted(rows[-i, ], distribution, full))
}
names(out) <- c("distribution", "object", "without", "age", "female", "intercept", "log_shape", "log_variance")
write.csv(format(out, digits = 17), "frailty.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("survival", packageVersion("survival"))), "versions.txt")
