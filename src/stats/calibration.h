// Calibration: maps from a score to the probability that a row with it is positive.
//
// Isotonic keeps the order and needs about 1,000 rows or more; Platt's sigmoid has two parameters
// and suits fewer. Fit on rows that the model was not trained on.
//
//   IsotonicCalibrator calibrator = SW_TRY(FitIsotonic({scores, labels}));
//   double p = calibrator.Apply(0.3);
//
// Wrong rows answer as in metrics.h. Immutable.
#pragma once

#include <span>
#include <vector>

#include "base/result.h"
#include "stats/metrics.h"

namespace sw::stats {

// A non-decreasing, piecewise linear function; constant outside of its points. Plain data: save
// it, and check what comes back by CheckIsotonic.
struct IsotonicCalibrator {
  std::vector<double> scores;  // rising strictly
  std::vector<double> values;  // not falling

  // A score of NaN gives NaN. Requires at least one point.
  double Apply(double score) const;
  bool operator==(const IsotonicCalibrator&) const = default;
};

Status CheckIsotonic(const IsotonicCalibrator& calibrator);

// The non-decreasing fit of least squares, by pooling adjacent violators (Ayer et al. 1955);
// equals sklearn.isotonic.IsotonicRegression(out_of_bounds="clip").
Result<IsotonicCalibrator> FitIsotonic(const Scored& rows);

// From a calibration table (metrics.h) where the rows themselves are gone: a point a bin at its mean
// score, neighbours in the wrong order pooled by their counts. No points when all bins are empty.
IsotonicCalibrator CalibratorFromTable(std::span<const CalibrationBin> bins);

struct PlattCalibrator {
  double slope = 1;
  double intercept = 0;

  double Apply(double score) const;  // 1 / (1 + exp(-(slope * score + intercept)))
  bool operator==(const PlattCalibrator&) const = default;
};

// Maximum likelihood with Platt's smoothed targets, by Newton's method with backtracking (Lin, Lin
// and Weng 2007, "A note on Platt's probabilistic outputs"). Pass log-odds where the score is a
// probability. FailedPrecondition when only one class is there.
Result<PlattCalibrator> FitPlatt(const Scored& rows);

}  // namespace sw::stats
