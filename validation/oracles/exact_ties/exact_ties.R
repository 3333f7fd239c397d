# Oracles: exact ties and matched sets, what R's survival says of all rows and of each left out. Run in this folder:
# Rscript exact_ties.R (3 min, nothing random).
library(survival)
options(digits = 17, warn = 2)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)

infert_rows <- with(infert, data.frame(case, stratum, spontaneous, induced))

# sets with several cases: of two neighbouring sets one
paired_rows <- transform(infert_rows, stratum = (stratum + 1) %/% 2)

lung_rows <- with(na.omit(lung[c("time", "status", "age", "sex", "ph.ecog")]), data.frame(
  time = ceiling(time / 30.4375), event = status - 1, age, sex, ph.ecog))  # whole months: up to 14 events at a time

# the first quarter of a stay is not watched: delayed entry, which ties with events. Here coxph lists every choice, so few
# rows and short ties
late_rows <- with(na.omit(lung[1:110, c("time", "status", "age", "sex", "ph.ecog")]), data.frame(
  time = ceiling(time / 14), event = status - 1, entry = ceiling(time / 14) %/% 4, strata = sex, age, ph.ecog))

clogit_fit <- function(d) coef(clogit(case ~ spontaneous + induced + strata(stratum), d, method = "exact", control = tight))
lung_fit <- function(d) coef(coxph(Surv(time, event) ~ age + sex + ph.ecog, d, ties = "exact", control = tight))
late_fit <- function(d) coef(coxph(Surv(entry, time, event) ~ age + ph.ecog + strata(strata), d, ties = "exact", control = tight))

stored <- function(name, d, fit, rows = seq_len(nrow(d))) {
  without <- lapply(rows, function(i) data.frame(without = i - 1L, t(suppressWarnings(fit(d[-i, ])))))
  write.csv(d, paste0(name, ".csv"), row.names = FALSE)
  write.csv(rbind(data.frame(without = NA, t(fit(d))), do.call(rbind, without)),
            paste0(name, "_coef.csv"), row.names = FALSE)
}

stored("infert", infert_rows, clogit_fit)
stored("infert_pairs", paired_rows, clogit_fit)
stored("lung_months", lung_rows, lung_fit)
stored("lung_late", late_rows, late_fit, rows = 1:20)
writeLines(c(R.version.string, paste("survival", packageVersion("survival"))), "versions.txt")
