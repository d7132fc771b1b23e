# Crossed random effects by lme4, run by reml.py where R has the package (Debian's r-cran-lme4).
#
#     Rscript benchmarks/lme4_fit.R FILE.csv
#     Rscript benchmarks/lme4_fit.R --insteval FILE.csv
#
# The first prints one JSON document: the seconds of the fit, and sigma, sigma_user and sigma_item
# by REML. The second writes InstEval, lme4's own set of lecture ratings: students rate lecturers.

suppressPackageStartupMessages(library(lme4))
arguments <- commandArgs(trailingOnly = TRUE)
if (arguments[1] == "--insteval") {
  ratings <- setNames(InstEval[c("s", "d", "y")], c("user", "item", "rating"))
  write.csv(ratings, arguments[2], row.names = FALSE, quote = FALSE)
} else {
  ratings <- read.csv(arguments[1])
  seconds <- system.time(
    model <- lmer(rating ~ 1 + (1 | user) + (1 | item), ratings)
  )[["elapsed"]]
  components <- as.data.frame(VarCorr(model))
  sigmas <- setNames(components$sdcor, components$grp)[c("Residual", "user", "item")]
  listed <- paste(sprintf("%.9f", sigmas), collapse = ", ")
  cat(sprintf('{"seconds": %.3f, "sigmas": [%s]}\n', seconds, listed))
}
