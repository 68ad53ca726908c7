#include "cli/table.h"

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
  const Json wide = Json::MakeArray({Json::MakeObject({{"a", std::string(200, 'x') + "\n"}})});
  EXPECT_EQ(TableText(wide.AsArray(), {{"a", "A"}}), "A\n" + std::string(57, 'x') + "...\n");
}

TEST(Table, AnObjectIsALineAMember) {
  const Json object = Json::Parse(R"({"id":"x","inner":{"longer":1,"b":[1]},"none":{}})").value();
  EXPECT_EQ(ObjectText(object), "id     x\ninner\n  longer  1\n  b       [1]\nnone   {}\n");
}

}  // namespace
}  // namespace sw::cli
