# Oracles: deletion diagnostics of least squares, what R's stats says of each row. Run in this folder:
# Rscript least_squares.R (1 s, nothing random).
options(digits = 17, warn = 2)

stored <- function(name, d, fit) {
  dfbetas <- dfbetas(fit)
  colnames(dfbetas) <- paste0("dfb_", c("const", names(coef(fit))[-1]))
  out <- data.frame(dfbetas, cooks_d = cooks.distance(fit), standard_resid = rstandard(fit), hat_diag = hatvalues(fit),
                    student_resid = rstudent(fit), dffits = dffits(fit), cov_ratio = covratio(fit))
  write.csv(d, paste0(name, ".csv"), row.names = FALSE)
  write.csv(out, paste0(name, "_diagnostics.csv"), row.names = FALSE)
}

# Brownlee's (1965) plant that makes nitric acid, and the same with weights
stored("stackloss", stackloss, lm(stack.loss ~ ., stackloss))
weighted <- transform(stackloss, w = 0.5 + seq_len(nrow(stackloss)) %% 4)
stored("stackloss_weighted", weighted, lm(stack.loss ~ . - w, weighted, weights = w))
# savings: Belsley, Kuh & Welsch's example
stored("savings", LifeCycleSavings, lm(sr ~ ., LifeCycleSavings))
writeLines(R.version.string, "versions.txt")
