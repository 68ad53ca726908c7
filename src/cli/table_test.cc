#include "cli/table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace sw::cli {
namespace {

TEST(Table, AlignsColumnsAndShortensLongCells) {
  const Json rows =
      Json::Parse(
          R"([{"a":{"b":"x"},"n":0.123456789,"l":["p","q"]},{"a":{"b":"longer"},"n":null}])")
          .value();
  EXPECT_EQ(TableText(rows.AsArray(), {{"a.b", "NAME"}, {"n", "NUMBER"}, {"l", "LIST"}}),
            "NAME    NUMBER    LIST\n"
            "x       0.123457  p,q\n"
            "longer  -         -\n");
  EXPECT_EQ(TableText({}, {{"a", "A"}}), "(none)\n");
}

TEST(Table, OnlyTheLastColumnHoldsLongText) {
  const std::string text(200, 'x');
  const Json wide = Json::MakeArray({Json::MakeObject({{"a", text + "\n"}})});
  EXPECT_EQ(TableText(wide.AsArray(), {{"a", "A"}, {"a", "B"}}),
            fmt::format("A{:65}B\n{}...  {} \n", "", std::string(61, 'x'), text));
}

TEST(Table, NestedValuesAreReadable) {
  const Json rows =
      Json::Parse(R"([{"arms":[{"version":2,"mode":"live"},{"version":3,"mode":"shadow"}]},
                      {"arms":{"auc":0.123456789,"cost":1}},{"arms":[]},{"arms":{}}])")
          .value();
  EXPECT_EQ(TableText(rows.AsArray(), {{"arms", "ARMS"}}),
            "ARMS\nversion=2 mode=live, version=3 mode=shadow\nauc=0.123457 cost=1\n-\n-\n");
}

TEST(Table, AnObjectIsALineAMember) {
  const Json object = Json::Parse(R"({"id":"x","inner":{"longer":1,"b":[1]},"none":{}})").value();
  EXPECT_EQ(ObjectText(object), "id     x\ninner\n  longer  1\n  b       1\nnone   -\n");
}

}  // namespace
}  // namespace sw::cli
