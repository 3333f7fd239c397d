# Kaplan-Meier curves, restricted means, log-rank tests and cumulative incidences of all rows and
# without each: Rscript curves.R, in this folder.
library(survival)
options(warn = 2)
d <- data.frame(time = lung$time, event = lung$status - 1, sex = lung$sex)
d$entry <- ifelse(seq_len(nrow(d)) %% 3 == 0, floor(d$time / 2), 0)
d$weight <- c(1, 2, 1.5)[seq_len(nrow(d)) %% 3 + 1]
write.csv(d, "lung.csv", row.names = FALSE)
at <- c(180, 365, 730)
of_lung <- function(d) {
  plain <- survfit(Surv(time, event) ~ 1, d)
  late <- survfit(Surv(entry, time, event) ~ 1, d, weights = weight)
  c(summary(plain, times = at)$surv, summary(plain, rmean = 365)$table["rmean"],
    summary(late, times = at)$surv, summary(late, rmean = 365)$table["rmean"],
    survdiff(Surv(time, event) ~ sex, d)$chisq)
}
values <- rbind(of_lung(d), t(sapply(seq_len(nrow(d)), function(i) of_lung(d[-i, ]))))
names <- c("S180", "S365", "S730", "RMST", "late180", "late365", "late730", "lateRMST", "logrank")
colnames(values) <- names
write.csv(format(data.frame(without = c(NA, seq_len(nrow(d)) - 1), values), digits = 16),
          "lung_curves.csv", row.names = FALSE, quote = FALSE)

m <- mgus2[1:120, ]
m <- data.frame(time = ifelse(m$pstat == 1, m$ptime, m$futime),
                cause = ifelse(m$pstat == 1, 1, 2 * m$death))
write.csv(m, "mgus2.csv", row.names = FALSE)
of_mgus2 <- function(m) {
  fit <- survfit(Surv(time, factor(cause, 0:2)) ~ 1, m)
  c(summary(fit, times = c(60, 200))$pstate[, 2:3])
}
values <- rbind(of_mgus2(m), t(sapply(seq_len(nrow(m)), function(i) of_mgus2(m[-i, ]))))
colnames(values) <- c("F1_60", "F1_200", "F2_60", "F2_200")
write.csv(format(data.frame(without = c(NA, seq_len(nrow(m)) - 1), values), digits = 16),
          "mgus2_curves.csv", row.names = FALSE, quote = FALSE)
writeLines(paste("R", getRversion(), "survival", packageVersion("survival")), "versions.txt")
