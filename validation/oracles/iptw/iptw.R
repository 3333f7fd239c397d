# A Cox model weighted by the inverse probability of treatment, with all rows and without each,
# the propensity estimated again: Rscript iptw.R, in this folder, after python write_data.py.
library(survival)
options(warn = 2)
d <- read.csv("gbsg2.csv")
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)
propensity <- treated ~ . - time - event
hazard <- function(d) {
  e <- fitted(glm(propensity, binomial, d, control = glm.control(epsilon = 1e-14, maxit = 50)))
  d$w <- d$treated / e + (1 - d$treated) / (1 - e)
  unname(coef(coxph(Surv(time, event) ~ treated, d, weights = w, ties = "breslow", control = tight)))
}
values <- c(hazard(d), sapply(seq_len(nrow(d)), function(i) hazard(d[-i, ])))
out <- data.frame(without = c(NA, seq_len(nrow(d)) - 1), treated = values)
write.csv(format(out, digits = 15), "iptw.csv", row.names = FALSE, quote = FALSE)
writeLines(paste("R", getRversion(), "survival", packageVersion("survival")), "versions.txt")
