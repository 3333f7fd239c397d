# Linear mixed models by REML and ML, of all rows, without each row and without each group, by
# lme4: Rscript mixed.R, in this folder. The loops of rows are timed, on one core.
suppressMessages(library(lme4))
orthodont <- as.data.frame(nlme::Orthodont)
orthodont <- data.frame(distance = orthodont$distance, age = orthodont$age - 11,
                        male = as.numeric(orthodont$Sex == "Male"),
                        subject = as.character(orthodont$Subject))
sleepstudy <- data.frame(reaction = sleepstudy$Reaction, days = sleepstudy$Days,
                         subject = as.character(sleepstudy$Subject))
oats <- as.data.frame(nlme::Oats)
oats <- data.frame(yield = oats$yield, nitro = oats$nitro, block = as.character(oats$Block),
                   plot = paste(oats$Block, oats$Variety))
cases <- list(
  orthodont = list(d = orthodont, f = distance ~ age * male + (age | subject), by = "subject"),
  sleepstudy = list(d = sleepstudy, f = reaction ~ days + (days | subject), by = "subject"),
  oats = list(d = oats, f = yield ~ nitro + (1 | block) + (1 | plot), by = "block"))
# its steps stop late; that some refits are singular is what is asked
tight <- lmerControl(optimizer = "nloptwrap", calc.derivs = FALSE,
                     optCtrl = list(ftol_abs = 1e-14, ftol_rel = 1e-15, xtol_abs = 1e-10,
                                    xtol_rel = 1e-10, maxeval = 10000),
                     check.conv.singular = "ignore")
seconds <- NULL
for (name in names(cases)) {
  case <- cases[[name]]
  write.csv(case$d, paste0(name, ".csv"), row.names = FALSE, quote = FALSE)
  out <- NULL
  for (reml in c(TRUE, FALSE)) {
    fit <- function(d) {
      m <- lmer(case$f, d, REML = reml, control = tight)
      v <- as.data.frame(VarCorr(m), order = "lower.tri")
      # groups by name, sigma first, covariances by rows of the lower triangle
      v <- v[order(v$grp != "Residual", v$grp), ]
      c(fixef(m), sigma(m), v$vcov[-1])
    }
    full <- fit(case$d)
    rows <- seq_len(nrow(case$d))
    begin <- proc.time()[3]
    by_row <- t(sapply(rows, function(i) fit(case$d[-i, ])))
    seconds <- rbind(seconds, data.frame(case = name, reml = reml, rows = length(rows),
                                         seconds = unname(proc.time()[3] - begin)))
    groups <- unique(case$d[[case$by]])
    by_group <- t(sapply(groups, function(g) fit(case$d[case$d[[case$by]] != g, ])))
    values <- rbind(full, by_row, by_group)
    p <- length(fixef(lmer(case$f, case$d, control = tight)))
    colnames(values)[-seq_len(p)] <- c("sigma", paste0("v", seq_len(ncol(values) - p - 1)))
    out <- rbind(out, data.frame(reml = as.numeric(reml),
                                 without = c("", rows - 1, groups),
                                 kind = c("all", rep("row", length(rows)),
                                          rep("group", length(groups))),
                                 values, check.names = FALSE))
  }
  numbers <- sapply(out, is.numeric)
  out[numbers] <- lapply(out[numbers], format, digits = 12)
  write.csv(out, paste0(name, "_lme4.csv"), row.names = FALSE, quote = FALSE)
}
write.csv(seconds, "seconds.csv", row.names = FALSE, quote = FALSE)
writeLines(paste("R", getRversion(), "lme4", packageVersion("lme4"), "nlme",
                 packageVersion("nlme")), "versions.txt")
