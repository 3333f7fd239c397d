# Fine and Gray's model by finegray and coxph, with all rows and without some: Rscript fine_gray.R,
# in this folder. Melanoma (MASS) is as it is, with its few ties; mgus2 is in months, with many.
library(survival)
options(warn = 2)
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)
coefficients <- function(d, ties) {
  d$e <- factor(d$cause, 0:2)
  z <- finegray(Surv(time, e) ~ ., data = d[, setdiff(names(d), c("cause", "weights"))],
                weights = d$weights)
  covariates <- setdiff(names(d), c("time", "cause", "weights", "e"))
  f <- reformulate(covariates, "Surv(fgstart, fgstop, fgstatus)")
  coef(coxph(f, data = z, weights = fgwt, ties = ties, control = tight))
}
refitted <- function(name, d, ties, rows) {
  values <- rbind(coefficients(d, ties), t(sapply(rows, function(i) coefficients(d[-i, ], ties))))
  out <- data.frame(without = c(NA, rows - 1), values, check.names = FALSE)
  write.csv(format(out, digits = 15), paste0(name, ".", ties, ".csv"), row.names = FALSE,
            quote = FALSE)
}

d <- with(MASS::Melanoma, data.frame(
  time = time, cause = c(1, 0, 2)[status], sex = sex, age = age / 10,
  logthick = log(thickness), ulcer = ulcer, weights = 1))
write.csv(d, "melanoma.csv", row.names = FALSE)
for (ties in c("breslow", "efron")) refitted("melanoma", d, ties, seq_len(nrow(d)))
d$weights <- rep(c(1, 0.5, 2), length.out = nrow(d))
write.csv(d, "melanoma_weights.csv", row.names = FALSE)
refitted("melanoma_weights", d, "efron", seq(1, nrow(d), by = 10))

d <- na.omit(mgus2[, c("sex", "age", "hgb", "mspike", "ptime", "pstat", "futime", "death")])
d <- with(d, data.frame(
  time = ifelse(pstat == 1, ptime, futime), cause = ifelse(pstat == 1, 1, ifelse(death == 1, 2, 0)),
  male = as.numeric(sex == "M"), age = age / 10, hgb = hgb, mspike = mspike, weights = 1))
write.csv(d, "mgus2.csv", row.names = FALSE)
refitted("mgus2", d, "efron", round(seq(1, nrow(d), length.out = 200)))
refitted("mgus2", d, "breslow", round(seq(1, nrow(d), length.out = 10)))
writeLines(paste("R", getRversion(), "survival", packageVersion("survival"), "MASS",
                 packageVersion("MASS")), "versions.txt")
