#include "net/url.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace sw::net {
namespace {

// "https host port target", or "refused".
std::string Read(std::string_view text) {
  const Result<Url> url = ParseUrl(text);
  if (!url) return url.error().code == ErrorCode::kInvalidArgument ? "refused" : url.error().message;
  return fmt::format("{} {} {} {}", url->is_https ? "https" : "http", url->host, url->port, url->target);
}

TEST(ParseUrl, TakesAUrlApart) {
  const std::pair<const char*, const char*> cases[] = {
      {"http://example.com", "http example.com 80 /"},
      {"HTTPS://Example.COM:8443/a/b?c=d#e", "https example.com 8443 /a/b?c=d"},
      {"https://example.com?x=1", "https example.com 443 /?x=1"},
      {"https://example.com./x", "https example.com 443 /x"},
      {"http://127.0.0.1:1/", "http 127.0.0.1 1 /"},
      {"http://127.0.0.1./", "http 127.0.0.1 80 /"},
      {"http://[::FFFF:127.0.0.1]:80/", "http ::ffff:127.0.0.1 80 /"},
      {"http://[::1]", "http ::1 80 /"},
      {"http://a_b.internal/@x:y", "http a_b.internal 80 /@x:y"},
      {"http://example.com/#@evil.com", "http example.com 80 /"},
      {"http://example.com#@evil.com/", "http example.com 80 /"},
      {"http://1e100.net/", "http 1e100.net 80 /"},
      {"http://xn--bcher-kva.example/", "http xn--bcher-kva.example 80 /"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(Read(text), expected) << text;
}

TEST(ParseUrl, RefusesWhatTwoParsersMightReadDifferently) {
  for (const char* text : {
           "", "example.com", "//example.com", "ftp://example.com", "file:///etc/passwd", "http:/example.com", "http://", "http:///x",
           "http://user@example.com", "http://user:pw@example.com/", "http://example.com@127.0.0.1/", "http://a@b@c/",
           "http://example.com\\@127.0.0.1/", "http://example.com /", "http://exa mple.com", "http://example.com\t/", "http://example.com\r\nHost: x/",
           "http://ex%61mple.com/", "http://127.0.0.1%00.example.com/", "http://\xc3\xbc.example/", "http://\xe2\x91\xa0.0.0.1/",
           "http://2130706433/", "http://017700000001/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.1/",
           "http://127.0.0.1.1/", "http://256.0.0.1/", "http://0/", "http://0x/", "http://1.2.3.08/", "http://example.123/",
           "http://[::1", "http://::1/", "http://[::1]x/", "http://[fe80::1%25eth0]/", "http://[127.0.0.1]/", "http://[]/",
           "http://.example.com/", "http://example..com/", "http://../", "http://./",
           "http://example.com:/", "http://example.com:0/", "http://example.com:65536/", "http://example.com:+80/", "http://example.com:80:80/",
           "http://example.com:0x50/", "http://example.com:80@evil.com/"}) {
    EXPECT_EQ(Read(text), "refused") << text;
  }
  EXPECT_EQ(Read("http://" + std::string(254, 'a')), "refused");
  EXPECT_EQ(Read("http://a/" + std::string(9'000, 'a')), "refused");
}

TEST(ResolveLocation, LeadsFromWhereItStood) {
  const Url base = ParseUrl("https://example.com:8443/a?b").value();
  EXPECT_EQ(ResolveLocation(base, "/x?y").value(), ParseUrl("https://example.com:8443/x?y").value());
  EXPECT_EQ(ResolveLocation(base, "//other/x").value(), ParseUrl("https://other/x").value());
  EXPECT_EQ(ResolveLocation(base, "http://other").value(), ParseUrl("http://other/").value());
  EXPECT_FALSE(ResolveLocation(base, "x"));
  EXPECT_FALSE(ResolveLocation(base, "///x"));
  EXPECT_FALSE(ResolveLocation(base, "javascript:x"));
  EXPECT_EQ(ResolveLocation(ParseUrl("http://[::1]:5/").value(), "/x").value(), ParseUrl("http://[::1]:5/x").value());
}

}  // namespace
}  // namespace sw::net
