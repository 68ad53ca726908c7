#include "train/lightgbm_params.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "base/errors.h"
#include "data/schema.h"

namespace sw::train {
namespace {

// What changes how it learns, under LightGBM's own names (docs/Parameters.rst of 4.x). Aliases are
// left out: a recipe has one spelling.
constexpr std::array<std::string_view, 50> kAllowed = {"bagging_fraction",
                                                       "bagging_freq",
                                                       "bin_construct_sample_cnt",
                                                       "boost_from_average",
                                                       "boosting",
                                                       "cat_l2",
                                                       "cat_smooth",
                                                       "cegb_penalty_split",
                                                       "cegb_tradeoff",
                                                       "data_sample_strategy",
                                                       "drop_rate",
                                                       "enable_bundle",
                                                       "extra_trees",
                                                       "feature_fraction",
                                                       "feature_fraction_bynode",
                                                       "feature_pre_filter",
                                                       "is_unbalance",
                                                       "lambda_l1",
                                                       "lambda_l2",
                                                       "learning_rate",
                                                       "max_bin",
                                                       "max_cat_threshold",
                                                       "max_cat_to_onehot",
                                                       "max_delta_step",
                                                       "max_depth",
                                                       "max_drop",
                                                       "min_data_in_bin",
                                                       "min_data_in_leaf",
                                                       "min_data_per_group",
                                                       "min_gain_to_split",
                                                       "min_sum_hessian_in_leaf",
                                                       "monotone_constraints",
                                                       "monotone_constraints_method",
                                                       "monotone_penalty",
                                                       "neg_bagging_fraction",
                                                       "num_leaves",
                                                       "objective",
                                                       "other_rate",
                                                       "path_smooth",
                                                       "poisson_max_delta_step",
                                                       "pos_bagging_fraction",
                                                       "scale_pos_weight",
                                                       "sigmoid",
                                                       "skip_drop",
                                                       "top_rate",
                                                       "tweedie_variance_power",
                                                       "uniform_drop",
                                                       "use_missing",
                                                       "xgboost_dart_mode",
                                                       "zero_as_missing"};

// Words and numbers, and lists of them; no blank and no '=', so that a value stays one value.
bool IsPlain(std::string_view text) {
  return !text.empty() && text.size() <= 1000 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("_.,+-").find(c) != std::string_view::npos;
  });
}

Result<std::string> Print(const std::string& key, const Json& value) {
  if (value.IsBool()) return std::string(value.AsBool() ? "true" : "false");
  if (value.IsNumber()) return value.Dump();
  if (value.IsString() && IsPlain(value.AsString())) return value.AsString();
  if (value.IsArray() && value.size() > 0) {
    std::string list;
    for (const Json& item : value.AsArray()) {
      if (!item.IsNumber())
        return InvalidArgument("params.{}: a list must hold numbers, found {}", key,
                               item.TypeName());
      list += (list.empty() ? "" : ",") + item.Dump();
    }
    return list;
  }
  return InvalidArgument(
      "params.{}: expected a number, true, false, a word or a list of numbers, found {}", key,
      value.Dump());
}

}  // namespace

Result<std::string> LightGbmParameters(const Json& params) {
  if (params.IsNull()) return std::string();
  if (!params.IsObject())
    return InvalidArgument("params: expected a table, found {}", params.TypeName());
  std::string printed;
  for (const auto& [key, value] : params.AsObject()) {
    if (std::find(kAllowed.begin(), kAllowed.end(), key) == kAllowed.end()) {
      return InvalidArgument(
          "params.{}: not a parameter of LightGBM that a recipe may set; near it: {}", key,
          fmt::join(data::NearMisses(key, {kAllowed.begin(), kAllowed.end()}), ", "));
    }
    printed += (printed.empty() ? "" : " ") + key + "=" + SW_TRY(Print(key, value));
  }
  return printed;
}

}  // namespace sw::train
