# Fine and Gray's model with the censoring distribution of each stratum and one baseline, by cmprsk,
# whose strata finegray does not have: Rscript strata.R, in this folder, after fine_gray.R. Times are
# made distinct, because crr treats ties of censoring and events in another way.
library(cmprsk)
options(warn = 2)
d <- read.csv("melanoma.csv")
d$time <- d$time + seq_len(nrow(d)) / 1000
write.csv(d, "melanoma_strata.csv", row.names = FALSE)
coefficients <- function(d) {
  f <- crr(d$time, d$cause, as.matrix(d[, c("sex", "age", "logthick", "ulcer")]),
           cengroup = d$ulcer, gtol = 1e-12, maxiter = 100)
  stopifnot(f$converged)
  setNames(f$coef, c("sex", "age", "logthick", "ulcer"))
}
rows <- seq(1, nrow(d), by = 10)
values <- rbind(coefficients(d), t(sapply(rows, function(i) coefficients(d[-i, ]))))
out <- data.frame(without = c(NA, rows - 1), values, check.names = FALSE)
write.csv(format(out, digits = 15), "melanoma_strata.breslow.csv", row.names = FALSE, quote = FALSE)
