# Marginal models of the recurrences of bladder tumours: Wei, Lin and Weissfeld, and Prentice,
# Williams and Peterson in total and in gap time: Rscript recurrent.R, in this folder.
library(survival)
options(warn = 2)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 50)

write_case <- function(name, d, covariates) {
  write.csv(d, paste0(name, ".csv"), row.names = FALSE)
  formula <- reformulate(c(covariates, "strata(enum)"), "Surv(start, stop, event)")
  fit <- function(d) coxph(formula, d, cluster = id, control = tight)
  all <- fit(d)
  table <- function(values, ids) {
    out <- data.frame(id = ids, values)
    names(out) <- c("id", covariates)
    out
  }
  ids <- unique(d$id)
  dfbeta <- residuals(all, "dfbeta", collapse = d$id)
  stopifnot(length(ids) == nrow(dfbeta))
  parts <- list(
    fit = table(rbind(coef(all), sqrt(diag(all$naive.var)), sqrt(diag(all$var))),
                c("coef", "naive", "robust")),
    dfbeta = table(dfbeta[as.character(ids), ], ids),
    refits = table(t(sapply(ids, function(i) coef(fit(d[d$id != i, ])))), ids))
  for (part in names(parts)) {
    write.csv(format(parts[[part]], digits = 15), paste0(name, ".", part, ".csv"),
              row.names = FALSE, quote = FALSE)
  }
}

wlw <- transform(bladder, start = 0)[, c("id", "enum", "start", "stop", "event", "rx", "number", "size")]
wlw <- wlw[wlw$stop > 0, ]
for (k in 1:4) wlw[[paste0("rx", k)]] <- (wlw$rx == 2) * (wlw$enum == k)
wlw$rx <- NULL
write_case("wlw", wlw, c(paste0("rx", 1:4), "number", "size"))

pwp <- transform(bladder2, rx = as.numeric(rx == 2))[, c("id", "enum", "start", "stop", "event", "rx", "number", "size")]
write_case("pwp_total", pwp, c("rx", "number", "size"))
write_case("pwp_gap", transform(pwp, stop = stop - start, start = 0), c("rx", "number", "size"))
writeLines(paste("R", getRversion(), "survival", packageVersion("survival")), "versions.txt")
