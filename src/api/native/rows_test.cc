#include "api/native/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sw::native {
namespace {

using ::testing::HasSubstr;

Result<data::Batch> FromText(std::string_view text, const TypeHints& hints = {}) {
  return BatchFromRows(Json::Parse(text).value(), hints);
}

TEST(Rows, TypesFollowFromValuesUnlessDeclared) {
  const auto batch =
      FromText(R"([{"i":1,"f":1,"t":"2013-01-01T05:00:00Z","s":"x","n":null,"z":"2013-01-01"},
                                  {"i":2,"f":0.5,"t":null,"s":"2013-01-01","b":true}])",
               {{"z", data::Type::kString}});
  ASSERT_TRUE(batch) << batch.error().message;
  std::string types;
  for (const data::Field& field : batch->schema().fields)
    types += field.name + ":" + std::string(TypeName(field.type)) + " ";
  EXPECT_EQ(types, "i:int64 f:float64 t:timestamp s:string n:string z:string b:bool ");
  EXPECT_TRUE(batch->Find("b")->IsNull(0));
  EXPECT_EQ(RowsFromBatch(*batch).AsArray()[1].Dump(),
            R"({"i":2,"f":0.5,"t":null,"s":"2013-01-01","n":null,"z":null,"b":true})");
}

TEST(Rows, ErrorsNameRowAndColumn) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(3)", "rows: expected an array"},
      {R"([])", "rows: expected at least one row"},
      {R"([{}])", "rows: they have no columns"},
      {R"([{"a":1},2])", "rows[1]: expected an object"},
      {R"([{"a":1},{"a":"x"}])", "rows[1].a: both int64 and string occur"},
      {R"([{"a":[1]}])", "rows[0].a: expected a plain value, found array"},
      {R"([{"when":"yesterday"}])", "rows[0].when: "},
  };
  for (const auto& [text, message] : cases) {
    const auto batch = FromText(text, {{"when", data::Type::kTimestamp}});
    ASSERT_FALSE(batch) << text;
    EXPECT_THAT(batch.error().message, HasSubstr(message));
  }
}

TEST(Rows, LimitsAreNamed) {
  Json wide = Json::MakeObject();
  for (std::size_t i = 0; i <= kColumnsMax; ++i)
    wide.AsObject().emplace_back(std::to_string(i), Json(1));
  EXPECT_THAT(BatchFromRows(Json::MakeArray({wide}), {}).error().message, HasSubstr("columns_max"));
  const Json many(Json::Array(kRowsMax + 1, Json::MakeObject()));
  EXPECT_THAT(BatchFromRows(many, {}).error().message, HasSubstr("rows_per_request_max"));
}

TEST(Rows, PushedColumnsThatAViewUsesMustBeThere) {
  feature::Definitions defined;
  defined.entities["user"] = {"user", {{"user", data::Type::kString}}};
  defined.views["v"] = {.name = "v", .entity = "user", .source = "visits", .features = {{.name = "f", .column = "seconds"}}};
  feature::SourceDef source;
  source.name = "visits";
  source.columns = {{"seconds", "minutes * 60"}};
  auto check = [&](const char* column, bool absent_is_null) {
    const data::Schema rows{{{"minutes", data::Type::kFloat64}, {column, data::Type::kString}}};
    const Status status = CheckPushedColumns(defined, source, rows, absent_is_null);
    return status ? "" : status.error().message;
  };
  EXPECT_EQ(check("user", false), "");
  EXPECT_THAT(check("usr", true), HasSubstr("usr")) << "a near miss";
  EXPECT_THAT(check("x", false), HasSubstr("user"));
  EXPECT_EQ(check("x", true), "") << "JSON leaves nulls out";
}

TEST(Rows, AnEncodedBatchIsTakenByItsContentType) {
  data::Batch batch(data::Schema{{{"a", data::Type::kInt64}}});
  batch.column(0).AppendInt(7);
  net::Request request;
  request.headers.Add("Content-Type", std::string(kBatchContentType));
  request.body = data::EncodeBatch(batch);
  EXPECT_EQ(RowsOf(request, Json(), {}).value(), batch);
  request.body.resize(request.body.size() / 2);
  EXPECT_THAT(RowsOf(request, Json(), {}).error().message, HasSubstr("request body"));
}

}  // namespace
}  // namespace sw::native
