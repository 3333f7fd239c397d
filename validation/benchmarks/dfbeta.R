# Times residuals(fit, "dfbeta") of R's survival: Rscript dfbeta.R FOLDER N P RUNS
# FOLDER/data holds doubles: X by columns, time, event and, if there is one more, entry.
# Prints the version of survival, then the CPU seconds of each run.
suppressMessages(library(survival))
arguments <- commandArgs(trailingOnly = TRUE)
n <- as.integer(arguments[2])
p <- as.integer(arguments[3])
numbers <- matrix(readBin(file.path(arguments[1], "data"), "double", n * (p + 3)), nrow = n)
X <- numbers[, 1:p, drop = FALSE]
y <- if (ncol(numbers) > p + 2) {
  Surv(numbers[, p + 3], numbers[, p + 1], numbers[, p + 2])
} else {
  Surv(numbers[, p + 1], numbers[, p + 2])
}
fit <- coxph(y ~ X)
cat(as.character(packageVersion("survival")), "\n")
for (run in seq_len(as.integer(arguments[4]))) {
  seconds <- sum(system.time(residuals(fit, "dfbeta"))[c("user.self", "sys.self")])
  cat(seconds, "\n")
  if (seconds > 20) break
}
