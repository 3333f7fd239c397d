# The commands of docs/coming_from.md, run on rossi.csv (week, arrest, fin, age, ...): what R prints.
# Rscript commands.R rossi.csv > commands.txt
suppressMessages(library(survival))
options(digits = 6, width = 88)
rossi <- read.csv(commandArgs(TRUE)[1])
show <- function(title, x) { cat("# ", title, "\n", sep = ""); print(x); cat("\n") }

cox <- coxph(Surv(week, arrest) ~ fin + age + prio, rossi)
show("dfbeta", head(round(residuals(cox, type = "dfbeta"), 5), 3))
show("dfbetas", head(round(residuals(cox, type = "dfbetas"), 4), 3))
robust <- coxph(Surv(week, arrest) ~ fin + age + prio, rossi, robust = TRUE)
show("robust", round(sqrt(diag(vcov(robust))), 5))
show("zph", round(cox.zph(cox, transform = "identity")$table, 4))
line <- lm(week ~ fin + age + prio, rossi)
show("cooks.distance", head(round(cooks.distance(line), 6), 3))
show("hatvalues", head(round(hatvalues(line), 6), 3))
logit <- glm(arrest ~ fin + age + prio, binomial, rossi)
show("glm dfbeta", head(round(dfbeta(logit), 5), 3))
curve <- survfit(Surv(week, arrest) ~ 1, rossi)
show("rmean", round(summary(curve, rmean = 52)$table[["rmean"]], 5))
