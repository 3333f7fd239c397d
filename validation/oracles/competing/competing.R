# Cause-specific Cox models of mgus2 and the cumulative incidence of a profile, with all rows and
# without some: Rscript competing.R, in this folder. Times are made distinct: Breslow's and Efron's
# ties agree, and an event of one cause never falls on one of the other.
library(survival)
options(warn = 2)
d <- na.omit(mgus2[, c("sex", "age", "mspike", "ptime", "pstat", "futime", "death")])[1:300, ]
cause <- with(d, ifelse(pstat == 1, 1, ifelse(death == 1, 2, 0)))
time <- with(d, ifelse(pstat == 1, ptime, futime)) + seq_len(300) / 1000
d <- data.frame(time = time, cause = cause, male = as.numeric(d$sex == "M"), age = d$age / 10,
                mspike = d$mspike)
write.csv(d, "mgus2.csv", row.names = FALSE)
d$e <- factor(d$cause, 0:2)
tight <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 50)
incidence <- function(d) {
  m <- coxph(Surv(time, e) ~ male + age + mspike, d, id = seq_len(nrow(d)), control = tight)
  s <- survfit(m, newdata = data.frame(male = 1, age = 8, mspike = 1.5))
  c(coef(m), summary(s, times = c(60, 120, 240))$pstate[, , 2])
}
rows <- seq(1, 300, by = 10)
values <- rbind(incidence(d), t(sapply(rows, function(i) incidence(d[-i, ]))))
colnames(values) <- c("1: male", "1: age", "1: mspike", "2: male", "2: age", "2: mspike",
                      "F1(60)", "F1(120)", "F1(240)")
out <- data.frame(without = c(NA, rows - 1), values, check.names = FALSE)
write.csv(format(out, digits = 15), "competing.csv", row.names = FALSE, quote = FALSE)
writeLines(paste("R", getRversion(), "survival", packageVersion("survival")), "versions.txt")
