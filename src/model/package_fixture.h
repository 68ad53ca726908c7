// A package's content of several outputs, for the tests of packages.
#pragma once

#include <string>
#include <utility>

#include "model/formats/fixture.h"
#include "model/model_file.h"
#include "model/package.h"

namespace sw::model {

// XGBoost's model of three classes, exact and predicting in float, with what XGBoost itself says of
// its rows; `library` is where those come from.
inline PackageContent ClassesContent(std::string library) {
  PackageContent content;
  content.format = "xgboost";
  content.model = TestData("xgboost_classes.ubj");
  const auto engine = MakeEngine(content.format, content.model).value();
  content.inputs = engine->inputs();
  const FixtureRows rows = ReadFixtureRows("xgboost_classes.rows", *engine);
  content.golden =
      Repeated({.inputs = rows.inputs, .expected = rows.predictions, .raw = rows.raw, .from = std::move(library)}, 4);
  return content;
}

}  // namespace sw::model
