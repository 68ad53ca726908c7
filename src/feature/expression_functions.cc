#include "feature/expression_functions.h"

#include <algorithm>
#include <limits>

#include "base/clock.h"

namespace sw::feature {
namespace {

using data::Type;

constexpr std::string_view kSpecialForms[] = {"coalesce", "if", "cast", "try_cast"};
constexpr int kNoConversion = -1;

std::vector<const Signature*> SignaturesOf(std::string_view name) {
  std::vector<const Signature*> found;
  for (const auto& functions :
       {NumberFunctions(), TextFunctions(), TimeFunctions(), LogicFunctions()}) {
    for (const Signature& each : functions) {
      if (each.name == name) found.push_back(&each);
    }
  }
  return found;
}

bool IsOperator(std::string_view name) {
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") != std::string_view::npos ||
         name == "in" || name == "between" || name == "not" || name == "negative";
}

std::vector<std::string> FunctionNames() {
  std::vector<std::string> names(std::begin(kSpecialForms), std::end(kSpecialForms));
  for (const auto& functions :
       {NumberFunctions(), TextFunctions(), TimeFunctions(), LogicFunctions()}) {
    for (const Signature& each : functions) {
      if (!IsOperator(each.name) && names.back() != each.name) names.emplace_back(each.name);
    }
  }
  return names;
}

bool IsVariadic(const Signature& signature) { return signature.parameters.ends_with('+'); }
std::size_t ParameterCount(const Signature& signature) {
  return signature.parameters.size() - (IsVariadic(signature) ? 1 : 0);
}
bool TakesCount(const Signature& signature, std::size_t count) {
  const std::size_t least = ParameterCount(signature);
  return count == least || (IsVariadic(signature) && count > least);
}

char Letter(const Signature& signature, std::size_t index) {
  return signature.parameters[std::min(index, ParameterCount(signature) - 1)];
}

std::string_view LetterName(char letter) {
  switch (letter) {
    case 'b':
      return "bool";
    case 'i':
      return "int64";
    case 'f':
      return "float64";
    case 's':
      return "string";
    case 't':
      return "timestamp";
    case 'z':
      return "time zone";
    default:
      return "any";
  }
}

// "(timestamp, time zone)"
std::string Usage(const Signature& signature) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < ParameterCount(signature); ++i)
    names.push_back(LetterName(Letter(signature, i)));
  return fmt::format("({}{})", fmt::join(names, ", "), IsVariadic(signature) ? ", ..." : "");
}

std::string Usages(const std::vector<const Signature*>& signatures) {
  std::vector<std::string> usages;
  for (const Signature* each : signatures) usages.push_back(Usage(*each));
  return fmt::format("{}", fmt::join(usages, " or "));
}

// How many conversions the signature needs, or kNoConversion.
int Cost(const Signature& signature, std::span<const Argument> arguments) {
  if (!TakesCount(signature, arguments.size())) return kNoConversion;
  int cost = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto wanted = ParameterType(signature, i);
    const auto found = arguments[i].type;
    if (!wanted || !found || *wanted == *found) continue;
    const bool widens = *wanted == Type::kFloat64 && *found == Type::kInt64;
    const bool is_time = *wanted == Type::kTimestamp && arguments[i].text != nullptr &&
                         base::ParseTime(*arguments[i].text);
    if (!widens && !is_time) return kNoConversion;
    ++cost;
  }
  return cost;
}

}  // namespace

std::optional<Type> ParameterType(const Signature& signature, std::size_t index) {
  switch (Letter(signature, index)) {
    case 'b':
      return Type::kBool;
    case 'i':
      return Type::kInt64;
    case 'f':
      return Type::kFloat64;
    case 's':
    case 'z':
      return Type::kString;
    case 't':
      return Type::kTimestamp;
    default:
      return std::nullopt;
  }
}

Status CheckCall(const Syntax& call) {
  const auto signatures = SignaturesOf(call.name);
  if (signatures.empty() || IsOperator(call.name)) {
    return ErrorAt(call.place, "no function \"{}\"{}", call.name,
                   DidYouMean(call.name, FunctionNames()));
  }
  for (const Signature* each : signatures) {
    if (TakesCount(*each, call.parts.size())) return Ok();
  }
  return ErrorAt(call.place, "{} takes {}, found {} argument{}", call.name, Usages(signatures),
                 call.parts.size(), call.parts.size() == 1 ? "" : "s");
}

Result<const Signature*> Resolve(const Syntax& call, std::span<const Argument> arguments) {
  const auto signatures = SignaturesOf(call.name);
  const Signature* best = nullptr;
  int best_cost = std::numeric_limits<int>::max();
  for (const Signature* each : signatures) {
    const int cost = Cost(*each, arguments);
    if (cost == kNoConversion || cost >= best_cost) continue;
    best = each;
    best_cost = cost;
  }
  if (best != nullptr) return best;
  std::vector<std::string_view> found;
  for (const Argument& each : arguments)
    found.push_back(each.type ? data::TypeName(*each.type) : "null");
  return ErrorAt(call.place, "{} takes {}, found ({}); convert with cast(value as type)", call.name,
                 Usages(signatures), fmt::join(found, ", "));
}

}  // namespace sw::feature
