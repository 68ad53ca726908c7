// The features_info and ctr_data of a CatBoost model. Internal to formats/catboost.cc.
#pragma once

#include <vector>

#include "model/derived.h"
#include "model/formats/document.h"

namespace sw::model::catboost {

// What a split tests, by its split_index: borders of float features, then values of one-hot
// features, then borders of CTRs, each in the order of the file.
struct Split {
  std::uint32_t feature = 0;  // of the forest
  bool is_code = false;       // passes when the code is `code`; else when the value is above `border`
  std::uint32_t code = 0;
  float border = 0;
  bool missing_passes = false;
};

struct Features {
  std::vector<DerivedInput> inputs;
  std::vector<CategoryKey> keys;
  std::vector<std::unordered_map<std::uint64_t, std::uint32_t>> tables;
  std::vector<DerivedFeature> features;
  std::vector<Split> splits;
};

// Messages begin with what is wrong in the document.
Result<Features> ReadFeatures(const Document& document);

}  // namespace sw::model::catboost
