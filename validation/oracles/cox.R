# Oracles for Cox regression: what R's `survival` says about the cases tabulated below, with 17 significant digits.
# Run as `Rscript cox.R` in this folder. README.md says what each file holds.
library(survival)
options(warn = 2)  # a fit that does not converge must stop the script, not warn

main <- function() {
  fits <- do.call(rbind, lapply(names(cases()), function(name) {
    case <- cases()[[name]]
    if (name != "rossi") write_table(case$data, paste0("cox/", name, ".csv"))
    if (!is.null(case$penalty)) write_table(data.frame(covariate = names(case$penalty), penalty = case$penalty),
                                             paste0("cox/", name, ".penalty.csv"))
    rbind(write_oracle(name, case, "efron"), write_oracle(name, case, "breslow"))
  }))
  write_table(fits, "cox/fits.csv")
  versions <- c(as.character(getRversion()), as.character(packageVersion("survival")))
  write_table(data.frame(software = c("R", "survival"), version = versions), "cox/versions.csv")
}

# The cases: data as fitted, and a ridge penalty where there is one -----------------------------------------------------

cases <- function() list(
  lung = list(data = lung_rows()),
  lung_strata_weights = list(data = with_weights(in_months(lung_rows(strata = "sex")), seed = 1)),  # 14 deaths at one time
  lung_small_strata = list(data = lung_rows(strata = "inst")),  # 18 strata, one of a single row; rows without influence
  lung_ridge = list(data = lung_rows(), penalty = c(age = 500, sex = 20, ph.ecog = 5, wt.loss = 0)),
  veteran = list(data = veteran_rows()),
  veteran_entry = list(data = with_weights(with_entry(veteran_rows(), seed = 2), seed = 3)),
  heart = list(data = heart_rows()),
  cgd = list(data = cgd_rows()),
  cgd_strata_weights = list(data = with_weights(cgd_rows(strata = "hos.cat"), seed = 4)),
  pbc = list(data = with_weights(pbc_rows(), seed = 5)),
  rotterdam = list(data = rotterdam_rows()),
  diabetic = list(data = diabetic_rows()),
  rossi = list(data = rossi_rows()),
  rossi_ridge = list(data = rossi_rows(), penalty = sapply(rossi_rows()[-(1:2)], function(x) 10))
)

in_months <- function(d) transform(d, time = ceiling(time / 30.4375))

lung_rows <- function(strata = NULL) {
  covariates <- setdiff(c("age", "sex", "ph.ecog", "wt.loss"), strata)
  d <- na.omit(lung[c("time", "status", strata, covariates)])
  data.frame(time = d$time, event = d$status - 1, codes(d, strata), d[covariates])
}

veteran_rows <- function() with(veteran, data.frame(
  time, event = status, strata = as.integer(celltype), trt, karno, diagtime, age, prior))

heart_rows <- function() with(heart, data.frame(
  time = stop, event, entry = start, id, age, year, surgery, transplant = as.integer(transplant == "1")))

cgd_rows <- function(strata = NULL) with(cgd, data.frame(
  time = tstop, event = status, entry = tstart, codes(cgd, strata), id, treat = as.integer(treat == "rIFN-g"), age,
  female = as.integer(sex == "female"), autosomal = as.integer(inherit == "autosomal"), steroids, propylac))

pbc_rows <- function() with(na.omit(pbc[c("time", "status", "age", "edema", "bili", "protime", "albumin")]), data.frame(
  time, event = as.integer(status == 2), age, edema,
  log_bili = log(bili), log_protime = log(protime), log_albumin = log(albumin)))

rotterdam_rows <- function() with(rotterdam, data.frame(  # recurrence-free survival
  time = ifelse(recur == 1, rtime, dtime), event = pmax(recur, death), age,
  size_20_50 = as.integer(size == "20-50"), size_over_50 = as.integer(size == ">50"), grade, nodes))

diabetic_rows <- function() with(diabetic, data.frame(
  time, event = status, id, argon = as.integer(laser == "argon"), trt, age, risk))

rossi_rows <- function() read.csv("cox/rossi.csv")

# No column without strata, so that data.frame(..., codes(d, strata), ...) serves both.
codes <- function(d, strata) {
  if (is.null(strata)) data.frame(row.names = seq_len(nrow(d))) else data.frame(strata = as.integer(factor(d[[strata]])))
}

with_weights <- function(d, seed) {
  set.seed(seed)
  subject <- if (is.null(d$id)) seq_len(nrow(d)) else match(d$id, unique(d$id))  # one weight a subject
  d$weights <- round(runif(max(subject), 0.3, 3), 3)[subject]
  d
}

# Half of the rows enter late, at an event time of their own stratum, so that entries tie with events.
with_entry <- function(d, seed) {
  set.seed(seed)
  late <- runif(nrow(d)) < 0.5
  d$entry <- vapply(seq_len(nrow(d)), function(i) {
    earlier <- unique(d$time[d$event == 1 & d$strata == d$strata[i] & d$time < d$time[i]])
    if (late[i] && length(earlier)) earlier[sample.int(length(earlier), 1)] else 0
  }, 0)
  d
}

# One case with one treatment of ties ---------------------------------------------------------------------------------

write_oracle <- function(name, case, ties) {
  d <- case$data
  refit <- function(rows, cluster = NULL) fit_cox(d[rows, ], ties, case$penalty, cluster[rows])
  without <- function(gone) as.data.frame(t(vapply(gone, function(g) unname(coef(refit(!g))), coef(fit))))
  save <- function(x, what) write_table(x, paste0("cox/", name, ".", ties, ".", what, ".csv"))

  all_rows <- rep(TRUE, nrow(d))
  fit <- refit(all_rows)
  robust <- refit(all_rows, cluster = seq_len(nrow(d)))
  influence <- named(residuals(fit, "dfbeta", weighted = TRUE), d)
  covariances <- list(naive = naive_covariance(fit), robust = robust$var)

  save(influence, "dfbeta")
  save(baseline(fit, d), "baseline")
  rows <- rows_to_refit(d, influence)
  save(data.frame(row = rows - 1L, named(without(lapply(rows, function(i) seq_len(nrow(d)) == i)), d)), "refits")

  if (!is.null(d$id)) {
    covariances$cluster <- refit(all_rows, cluster = d$id)$var
    by_id <- residuals(fit, "dfbeta", collapse = d$id, weighted = TRUE)
    ids <- sort(unique(d$id))
    stopifnot(rownames(by_id) == ids)
    save(data.frame(id = ids, named(by_id, d)), "dfbeta_id")
    chosen <- ids[sort(unique(c(1:3, largest(by_id, 8))))]
    save(data.frame(id = chosen, named(without(lapply(chosen, function(i) d$id == i)), d)), "refits_id")
  }

  save(fit_table(fit, covariances, d), "fit")
  data.frame(case = name, ties, n = nrow(d), events = sum(d$event), loglik_null = fit$loglik[1], loglik = fit$loglik[2])
}

fit_cox <- function(d, ties, penalty = NULL, cluster = NULL) {
  terms <- covariates(d)
  if (!is.null(penalty)) {
    stopifnot(names(penalty) == terms)
    terms <- ifelse(penalty > 0, sprintf("ridge(%s, theta = %g, scale = FALSE)", terms, penalty), terms)
  }
  if (!is.null(d$strata)) terms <- c(terms, "strata(strata)")
  response <- if (is.null(d$entry)) "Surv(time, event)" else "Surv(entry, time, event)"
  tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
  # do.call evaluates weights and cluster here; coxph would look for the names inside the formula's environment
  fit <- do.call(coxph, list(reformulate(terms, response), data = d, weights = d$weights, cluster = cluster,
                             ties = ties, control = tight))
  names(fit$coefficients) <- covariates(d)
  fit
}

# Non-integer weights alone make coxph report the robust matrix as `var`.
naive_covariance <- function(fit) if (is.null(fit$naive.var)) fit$var else fit$naive.var

# The first rows, some of every kind, some without influence, and those of largest dfbeta.
rows_to_refit <- function(d, influence) {
  stratum <- if (is.null(d$strata)) 1 else d$strata
  deaths <- ave(d$event, stratum, d$time, FUN = sum)
  kinds <- list(d$event == 0, d$event == 1 & deaths == 1, d$event == 1 & deaths > 1, d$event == 0 & deaths > 0,
                rowSums(abs(influence)) < 1e-14)
  spread <- lapply(kinds, function(kind) which(kind)[round(seq(1, sum(kind), length.out = min(5, sum(kind))))])
  sort(unique(c(1:4, unlist(spread), largest(influence, 12))))
}

largest <- function(influence, count) {
  scaled <- scale(as.matrix(influence), center = FALSE)  # by column, so that no covariate's unit decides
  order(-apply(abs(scaled), 1, max))[seq_len(count)]
}

# Cumulative hazard at x = 0 at the event times; Efron's for an Efron fit.
baseline <- function(fit, d) {
  hazard <- basehaz(fit, centered = FALSE)
  stratum <- if (is.null(d$strata)) rep(1L, nrow(hazard)) else as.integer(sub("strata=", "", hazard$strata))
  hazard <- data.frame(strata = stratum, time = hazard$time, cumhaz = hazard$hazard)
  events <- d[d$event == 1, ]
  at_event <- paste(hazard$strata, hazard$time) %in% paste(if (is.null(d$strata)) 1L else events$strata, events$time)
  hazard[at_event, ]
}

fit_table <- function(fit, covariances, d) {
  block <- function(kind) data.frame(quantity = kind, covariate = covariates(d), named(covariances[[kind]], d))
  coefficients <- data.frame(quantity = "coef", covariate = "", named(t(coef(fit)), d))
  do.call(rbind, c(list(coefficients), lapply(names(covariances), block)))
}

covariates <- function(d) setdiff(names(d), c("time", "event", "entry", "weights", "strata", "id"))

named <- function(x, d) setNames(as.data.frame(x), covariates(d))

write_table <- function(x, path) {
  x[] <- lapply(x, function(column) if (is.double(column)) exact(column) else column)
  write.csv(x, path, row.names = FALSE, quote = FALSE)
}

# 17 digits identify a double; plain decimals (0.711) stay short. Not by trying 15 digits: R's reader is at times an ulp
# off and would pass wrong ones.
exact <- function(x) {
  short <- formatC(x, digits = 8, format = "g", width = 1)
  ifelse(as.numeric(short) == x, short, formatC(x, digits = 17, format = "g", width = 1))
}

main()
