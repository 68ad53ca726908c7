#include "model/engines/dictionary_engine.h"

#include <cmath>
#include <limits>
#include <utility>

#include "model/heap_bytes.h"

namespace sw::model {
namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

double CodeOf(const Dictionary& dictionary, const data::Column& labels, std::size_t row) {
  if (labels.IsNull(row)) return kMissing;
  if (labels.type() == data::Type::kString) {
    const auto found = dictionary.text.find(labels.String(row));
    return found == dictionary.text.end() ? kMissing : found->second;
  }
  const double label = labels.AsDouble(row);
  if (std::isnan(label)) return kMissing;  // a map would find it beside any other
  const auto found = dictionary.numbers.find(label);
  return found == dictionary.numbers.end() ? kMissing : found->second;
}

// A column of numbers that no dictionary reads is copied; so is text, for the coded engine to refuse.
data::Column Coded(const Dictionary& dictionary, const data::Column& labels) {
  const bool is_text = labels.type() == data::Type::kString;
  if (is_text ? dictionary.text.empty() : dictionary.numbers.empty()) return labels;
  data::Column codes(data::Type::kFloat64);
  codes.Reserve(labels.size());
  for (std::size_t row = 0; row < labels.size(); ++row) codes.AppendDouble(CodeOf(dictionary, labels, row));
  return codes;
}

class DictionaryEngine final : public Engine {
 public:
  DictionaryEngine(std::vector<Dictionary> dictionaries, std::unique_ptr<Engine> coded)
      : dictionaries_(std::move(dictionaries)), coded_(std::move(coded)) {}

  const std::vector<std::string>& inputs() const override { return coded_->inputs(); }
  Exactness exactness() const override { return coded_->exactness(); }
  Tolerance tolerance() const override { return coded_->tolerance(); }
  std::vector<InputProbe> Probes() const override;
  std::size_t outputs(Output output) const override { return coded_->outputs(output); }
  bool predicts_classes() const override { return coded_->predicts_classes(); }
  std::size_t memory_bytes() const override { return sizeof(*this) + HeapBytes(dictionaries_) + coded_->memory_bytes(); }
  Tuning tuning() const override { return coded_->tuning(); }
  Json Tune() const override { return coded_->Tune(); }
  Status Choose(const Json& choice) const override { return coded_->Choose(choice); }
  Json Describe() const override { return coded_->Describe(); }

  Status Score(const data::Batch& rows, Output output, std::span<double> scores) const override {
    return coded_->Score(SW_TRY(Codes(rows)), output, scores);
  }
  Status Contribute(const data::Batch& rows, std::span<double> contributions) const override {
    return coded_->Contribute(SW_TRY(Codes(rows)), contributions);
  }

 private:
  Result<data::Batch> Codes(const data::Batch& rows) const {
    data::Batch codes;
    for (std::size_t i = 0; i < inputs().size(); ++i) {
      const data::Column* labels = SW_TRY(rows.Get(inputs()[i], "the model's input"));
      data::Column column = Coded(dictionaries_[i], *labels);
      const data::Type type = column.type();
      codes.AddColumn({inputs()[i], type}, std::move(column));
    }
    return codes;
  }

  std::vector<Dictionary> dictionaries_;
  std::unique_ptr<Engine> coded_;
};

// Labels in place of the codes that they stand for.
std::vector<InputProbe> DictionaryEngine::Probes() const {
  std::vector<InputProbe> probes = coded_->Probes();
  for (std::size_t i = 0; i < probes.size(); ++i) {
    const Dictionary& dictionary = dictionaries_[i];
    if (dictionary.text.empty() && dictionary.numbers.empty()) continue;
    probes[i] = {.is_category = true};
    for (const auto& [label, code] : dictionary.text) probes[i].texts.push_back(label);
    for (const auto& [label, code] : dictionary.numbers) probes[i].numbers.push_back(label);
  }
  return probes;
}

}  // namespace

std::unique_ptr<Engine> MakeDictionaryEngine(std::vector<Dictionary> dictionaries, std::unique_ptr<Engine> coded) {
  return std::make_unique<DictionaryEngine>(std::move(dictionaries), std::move(coded));
}

}  // namespace sw::model
