#include "model/formats/catboost_features.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <span>

#include "base/errors.h"

namespace sw::model::catboost {
namespace {

using Kind = DerivedFeature::Kind;
using Rows = std::unordered_map<std::uint64_t, std::uint32_t>;

constexpr std::int64_t kIndexMax = 1 << 20;

// An index of the file, which says how large tables here become.
Result<std::uint32_t> Index(const Document& document, std::string_view key) {
  const std::int64_t index = SW_TRY(document.Int(key));
  if (index >= 0 && index < kIndexMax) return static_cast<std::uint32_t>(index);
  return InvalidArgument("\"{}\" is {}: from 0 to {} is expected", key, index, kIndexMax - 1);
}

// An optional list of objects; null and absent are empty.
Result<std::span<const Document>> Objects(const Document& document, std::string_view key) {
  const Document* found = document.Find(key);
  if (found == nullptr || found->IsNull()) return std::span<const Document>();
  return std::span<const Document>(*SW_TRY(document.Items(key)));
}

Result<std::vector<float>> Borders(const Document& document) {
  const Document* found = document.Find("borders");
  std::vector<float> borders;
  if (found == nullptr || found->IsNull()) return borders;
  for (const double border : SW_TRY(document.Doubles("borders"))) {
    if (std::isnan(border)) return InvalidArgument("a border is NaN");
    borders.push_back(static_cast<float>(border));
  }
  return borders;
}

std::string Name(const Document& feature, std::uint32_t flat_index) {
  for (const char* key : {"feature_name", "feature_id"}) {
    const auto name = feature.String(key);
    if (name && !name->empty()) return std::string(*name);
  }
  return fmt::format("{}", flat_index);
}

struct CtrInfo {
  enum class Type { kMean, kCounter, kBuckets, kBorders } type = Type::kBorders;
  float prior = 0, prior_weight = 1, shift = 0, scale = 1;
  std::int64_t target_border = 0;
};

// TModelCtr::Calc (catboost/libs/model/online_ctr.h), in float.
float Calculate(const CtrInfo& ctr, float count_in_class, float total) {
  const float value = (count_in_class + ctr.prior) / (total + ctr.prior_weight);
  return (value + ctr.shift) * ctr.scale;
}

class Reader {
 public:
  explicit Reader(const Document& document) : document_(document) {}

  Result<Features> Run() {
    const Document& info = *SW_TRY(document_.Get("features_info"));
    for (const char* kind : {"text_features", "embedding_features", "estimated_features"}) {
      if (!SW_TRY(Objects(info, kind)).empty()) return Unimplemented("{} are not read", kind);
    }
    const auto floats = SW_TRY(Objects(info, "float_features"));
    const auto categories = SW_TRY(Objects(info, "categorical_features"));
    SW_TRY(ReadInputs(floats, categories));
    for (const Document& feature : floats) SW_TRY(AddFloat(feature));
    for (const Document& feature : categories) SW_TRY(AddOneHot(feature));
    for (const Document& ctr : SW_TRY(Objects(info, "ctrs"))) SW_TRY(AddCtr(ctr));
    return std::move(read_);
  }

 private:
  struct Float {
    std::uint32_t input;
    bool missing_passes;
  };

  // Columns in the order of the training data, which flat_feature_index gives.
  Status ReadInputs(std::span<const Document> floats, std::span<const Document> categories) {
    std::map<std::uint32_t, DerivedInput> by_position;
    for (const bool is_category : {false, true}) {
      for (const Document& feature : is_category ? categories : floats) {
        const std::uint32_t flat = SW_TRY(Index(feature, "flat_feature_index"));
        if (!by_position.emplace(flat, DerivedInput{Name(feature, flat), is_category}).second) {
          return InvalidArgument("two features have the flat_feature_index {}", flat);
        }
      }
    }
    for (auto& [flat, input] : by_position) {
      input_of_flat_.emplace(flat, static_cast<std::uint32_t>(read_.inputs.size()));
      read_.inputs.push_back(std::move(input));
    }
    return Ok();
  }

  Status AddFloat(const Document& feature) {
    const std::uint32_t index = SW_TRY(Index(feature, "feature_index"));
    const std::uint32_t input = input_of_flat_.at(SW_TRY(Index(feature, "flat_feature_index")));
    const Document* has_nans = feature.Find("has_nans");
    const auto* is_missing = has_nans == nullptr ? nullptr : std::get_if<bool>(&has_nans->value());
    const auto treatment = feature.String("nan_value_treatment");
    const bool passes = is_missing != nullptr && *is_missing && treatment && *treatment == "AsTrue";
    if (!floats_.emplace(index, Float{.input = input, .missing_passes = passes}).second) {
      return InvalidArgument("two float features have the feature_index {}", index);
    }
    for (const float border : SW_TRY(Borders(feature))) {
      read_.splits.push_back({.feature = static_cast<std::uint32_t>(read_.features.size()), .border = border,
                              .missing_passes = passes && border < HUGE_VALF});
    }
    read_.features.push_back({.kind = Kind::kColumn, .input = input});
    return Ok();
  }

  Status AddOneHot(const Document& feature) {
    const std::uint32_t index = SW_TRY(Index(feature, "feature_index"));
    const std::uint32_t input = input_of_flat_.at(SW_TRY(Index(feature, "flat_feature_index")));
    if (!categories_.emplace(index, input).second) {
      return InvalidArgument("two categorical features have the feature_index {}", index);
    }
    const Document* values = feature.Find("values");
    if (values == nullptr || values->IsNull()) return Ok();
    DerivedFeature code{.kind = Kind::kCode, .input = input};
    for (const std::int64_t hash : SW_TRY(feature.Ints("values"))) {
      const auto place = static_cast<std::uint32_t>(code.codes.size());
      if (!code.codes.emplace(static_cast<std::int32_t>(hash), place).second) {
        return InvalidArgument("a categorical feature has the value {} twice", hash);
      }
      read_.splits.push_back({.feature = static_cast<std::uint32_t>(read_.features.size()), .is_code = true, .code = place});
    }
    read_.features.push_back(std::move(code));
    return Ok();
  }

  // TFeatureCombination: categories first, then float tests, then exact values.
  Result<std::uint32_t> AddKey(const Document& ctr) {
    CategoryKey key;
    for (const Document& element : SW_TRY(Objects(ctr, "elements"))) {
      const std::string_view kind = SW_TRY(element.String("combination_element"));
      if (kind == "float_feature") {
        const Float* feature = Find(floats_, SW_TRY(Index(element, "float_feature_index")));
        if (feature == nullptr) return InvalidArgument("a CTR reads a float feature that is not there");
        const auto border = static_cast<float>(SW_TRY(element.Number("border")));
        key.above.push_back({feature->input, border, feature->missing_passes && border < HUGE_VALF});
        continue;
      }
      const std::uint32_t* input = Find(categories_, SW_TRY(Index(element, "cat_feature_index")));
      if (input == nullptr) return InvalidArgument("a CTR reads a categorical feature that is not there");
      if (kind == "cat_feature_value") {
        key.categories.push_back(*input);
      } else if (kind == "cat_feature_exact_value") {
        key.equal.push_back({*input, static_cast<std::int32_t>(SW_TRY(element.Int("value")))});
      } else {
        return Unimplemented("combination_element {} is not read", kind.substr(0, 64));
      }
    }
    const auto place = static_cast<std::size_t>(std::ranges::find(read_.keys, key) - read_.keys.begin());
    if (place == read_.keys.size()) read_.keys.push_back(std::move(key));
    return static_cast<std::uint32_t>(place);
  }

  template <typename Value>
  static const Value* Find(const std::map<std::uint32_t, Value>& values, std::uint32_t key) {
    const auto found = values.find(key);
    return found == values.end() ? nullptr : &found->second;
  }

  static Result<CtrInfo> ReadInfo(const Document& ctr) {
    constexpr std::pair<std::string_view, CtrInfo::Type> kTypes[] = {
        {"BinarizedTargetMeanValue", CtrInfo::Type::kMean}, {"FloatTargetMeanValue", CtrInfo::Type::kMean},
        {"Counter", CtrInfo::Type::kCounter},               {"FeatureFreq", CtrInfo::Type::kCounter},
        {"Buckets", CtrInfo::Type::kBuckets},               {"Borders", CtrInfo::Type::kBorders}};
    const std::string_view type = SW_TRY(ctr.String("ctr_type"));
    const auto* known = std::ranges::find(kTypes, type, &std::pair<std::string_view, CtrInfo::Type>::first);
    if (known == std::end(kTypes)) return Unimplemented("ctr_type {} is not read", type.substr(0, 64));
    const auto real = [&](std::string_view key) -> Result<float> { return static_cast<float>(SW_TRY(ctr.Number(key))); };
    return CtrInfo{.type = known->second,
                   .prior = SW_TRY(real("prior_numerator")),
                   .prior_weight = SW_TRY(real("prior_denomerator")),
                   .shift = SW_TRY(real("shift")),
                   .scale = SW_TRY(real("scale")),
                   .target_border = SW_TRY(ctr.Int("target_border_idx"))};
  }

  struct Table {
    std::uint32_t index = 0;          // into read_.tables
    std::size_t width = 0;            // counts a row
    std::vector<double> counts = {};  // row-major
    double denominator = 0;
  };

  // ctr_data[identifier]: hash_map is a flat list of a hash, as text, and then its counts.
  Result<const Table*> ReadTable(const Document& ctr) {
    const std::string identifier(SW_TRY(ctr.String("identifier")));
    if (const auto known = tables_.find(identifier); known != tables_.end()) return &known->second;
    const Document& data = *SW_TRY(SW_TRY(document_.Get("ctr_data"))->Get(identifier));
    const auto entries = SW_TRY(Objects(data, "hash_map"));
    const std::int64_t stride = entries.empty() ? 1 : SW_TRY(data.Int("hash_stride"));
    if (stride < 1 || entries.size() % static_cast<std::size_t>(stride) != 0 || (stride < 2 && !entries.empty())) {
      return InvalidArgument("hash_map has {} entries and hash_stride is {}", entries.size(), stride);
    }
    Table table{.index = static_cast<std::uint32_t>(read_.tables.size()), .width = static_cast<std::size_t>(stride) - 1};
    if (data.Find("counter_denominator") != nullptr) table.denominator = SW_TRY(data.Number("counter_denominator"));
    Rows rows;
    for (std::size_t i = 0; i < entries.size(); i += static_cast<std::size_t>(stride)) {
      SW_TRY(AddRow(entries.subspan(i, static_cast<std::size_t>(stride)), rows, table));
    }
    read_.tables.push_back(std::move(rows));
    return &tables_.emplace(identifier, std::move(table)).first->second;
  }

  static Status AddRow(std::span<const Document> entries, Rows& rows, Table& table) {
    const auto* text = std::get_if<std::string>(&entries[0].value());
    std::uint64_t hash = 0;
    const char* end = text == nullptr ? nullptr : text->data() + text->size();
    if (text == nullptr || std::from_chars(text->data(), end, hash).ptr != end || text->empty()) {
      return InvalidArgument("hash_map has a {} where a hash is expected", entries[0].TypeName());
    }
    if (!rows.emplace(hash, static_cast<std::uint32_t>(rows.size())).second) {
      return InvalidArgument("hash_map has the hash {} twice", hash);
    }
    for (const Document& entry : entries.subspan(1)) {
      const auto* whole = std::get_if<std::int64_t>(&entry.value());
      const auto* real = std::get_if<double>(&entry.value());
      if (whole == nullptr && real == nullptr) return InvalidArgument("hash_map has a {} as a count", entry.TypeName());
      table.counts.push_back(whole != nullptr ? static_cast<double>(*whole) : *real);
    }
    return Ok();
  }

  // What TStaticCtrProvider::CalcCtrs makes of a row's counts.
  static Result<float> ValueOf(const CtrInfo& ctr, std::span<const double> counts, double denominator) {
    const auto from = static_cast<std::size_t>(ctr.target_border);
    const auto sum = [](std::span<const double> part) {
      double total = 0;
      for (const double count : part) total += count;
      return static_cast<float>(total);
    };
    switch (ctr.type) {
      case CtrInfo::Type::kMean:
        if (counts.size() != 2) return InvalidArgument("a mean needs a sum and a count, found {} numbers", counts.size());
        return Calculate(ctr, static_cast<float>(counts[0]), static_cast<float>(counts[1]));
      case CtrInfo::Type::kCounter:
        if (counts.size() != 1) return InvalidArgument("a counter needs one count, found {}", counts.size());
        return Calculate(ctr, static_cast<float>(counts[0]), static_cast<float>(denominator));
      case CtrInfo::Type::kBuckets:
        if (ctr.target_border < 0 || from >= counts.size()) break;
        return Calculate(ctr, static_cast<float>(counts[from]), sum(counts));
      case CtrInfo::Type::kBorders:
        if (counts.size() == 2) return Calculate(ctr, static_cast<float>(counts[1]), sum(counts));
        if (ctr.target_border < 0 || from + 1 > counts.size() || counts.size() < 2) break;
        return Calculate(ctr, sum(counts.subspan(from + 1)), sum(counts));
    }
    return InvalidArgument("target_border_idx is {} with counts of {} classes", ctr.target_border, counts.size());
  }

  Status AddCtr(const Document& ctr) {
    const CtrInfo info = SW_TRY(ReadInfo(ctr));
    DerivedFeature feature{.kind = Kind::kStatistic, .key = SW_TRY(AddKey(ctr))};
    const Table& table = *SW_TRY(ReadTable(ctr));
    feature.table = table.index;
    const bool is_counter = info.type == CtrInfo::Type::kCounter;
    feature.absent = Calculate(info, 0, is_counter ? static_cast<float>(table.denominator) : 0.0F);
    for (std::size_t at = 0; at < table.counts.size(); at += table.width) {
      feature.values.push_back(SW_TRY(ValueOf(info, std::span(table.counts).subspan(at, table.width), table.denominator)));
    }
    for (const float border : SW_TRY(Borders(ctr))) {
      read_.splits.push_back({.feature = static_cast<std::uint32_t>(read_.features.size()), .border = border});
    }
    read_.features.push_back(std::move(feature));
    return Ok();
  }

  const Document& document_;
  Features read_;
  std::map<std::uint32_t, std::uint32_t> input_of_flat_, categories_;
  std::map<std::uint32_t, Float> floats_;
  std::map<std::string, Table> tables_;
};

}  // namespace

Result<Features> ReadFeatures(const Document& document) { return Reader(document).Run(); }

}  // namespace sw::model::catboost
