# cox.zph of all rows and without each, four transforms: Rscript zph.R, in this folder.
library(survival)
options(warn = 2)
cases <- list(
  veteran = list(d = veteran, f = Surv(time, status) ~ trt + karno + age),
  lung = list(d = na.omit(lung[, c("time", "status", "age", "sex", "ph.ecog")]),
              f = Surv(time, status) ~ age + sex + ph.ecog))
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)
for (name in names(cases)) {
  d <- cases[[name]]$d
  if (name == "lung") d$status <- d$status - 1
  write.csv(d[, all.vars(cases[[name]]$f)], paste0(name, ".csv"), row.names = FALSE)
  out <- NULL
  for (ties in c("efron", "breslow")) for (transform in c("km", "rank", "identity", "log")) {
    chisq <- function(d) {
      f <- cases[[name]]$f
      environment(f) <- environment()  # cox.zph reads the data again, where the formula lives
      cox.zph(coxph(f, d, ties = ties, control = tight), transform = transform)$table[, "chisq"]
    }
    rows <- if (ties == "efron") seq_len(nrow(d)) else c(1, 2)  # a few show the other convention
    values <- rbind(chisq(d), t(sapply(rows, function(i) chisq(d[-i, ]))))
    out <- rbind(out, data.frame(ties = ties, transform = transform,
                                 without = c(NA, rows - 1), values,
                                 check.names = FALSE))
  }
  write.csv(format(out, digits = 15), paste0(name, "_zph.csv"), row.names = FALSE, quote = FALSE)
}
writeLines(paste("R", getRversion(), "survival", packageVersion("survival")), "versions.txt")
