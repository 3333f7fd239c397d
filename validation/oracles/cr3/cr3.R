# Covariances for few clusters, by clubSandwich and sandwich: Rscript cr3.R, in this folder.
library(clubSandwich)
library(sandwich)
options(warn = 2)
set.seed(20230)
sizes <- c(3, 9, 4, 12, 6, 5, 8, 3, 10, 7, 4, 9)
id <- rep(seq_along(sizes), sizes)
n <- length(id)
d <- data.frame(id = id, arm = as.numeric(id %% 3 == 0), x = round(rnorm(n), 3),
                w = round(runif(n, 0.5, 2), 2))
u <- rnorm(length(sizes), 0, 0.7)[id]
d$y <- round(1 + 0.5 * d$arm + d$x + u + rnorm(n), 3)
d$z <- as.numeric(d$y + rnorm(n) > 1.2)
d <- d[sample(n), ]  # clusters do not stand together
write.csv(d, "rows.csv", row.names = FALSE)
fits <- list(ols = lm(y ~ arm + x, d), wls = lm(y ~ arm + x, d, weights = w),
             logit = glm(z ~ arm + x, binomial, d, epsilon = 1e-14, maxit = 50))
out <- NULL
for (name in names(fits)) {
  fit <- fits[[name]]
  V <- vcovCR(fit, d$id, type = "CR3")
  target <- if (name == "wls") vcovCR(fit, d$id, type = "CR3", target = 1 / d$w) else V
  out <- rbind(out, data.frame(
    fit = name, parameter = names(coef(fit)), coefficient = coef(fit), variance = diag(as.matrix(V)),
    covariance_with_first = as.matrix(V)[1, ], df = coef_test(fit, target, test = "Satterthwaite")$df,
    sandwich = diag(vcovCL(fit, d$id, type = "HC3", cadjust = FALSE)),
    hc3 = if (name == "wls") NA else diag(vcovHC(fit, type = "HC3"))))
}
write.csv(format(out, digits = 16), "cr3.csv", row.names = FALSE, quote = FALSE)
writeLines(paste("R", getRversion(), "clubSandwich", packageVersion("clubSandwich"), "sandwich",
                 packageVersion("sandwich")), "versions.txt")
