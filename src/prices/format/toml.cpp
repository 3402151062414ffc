#include "prices/format/toml.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

namespace {

struct TooDeep {
  unsigned line, column;
};

/* Converts a line and a column to an offset in the text. toml++ counts columns in characters; marks in long lines keep
 * the conversion fast. */
class Places {
public:
  explicit Places(std::string_view text) : text_(text)
  {
    start_line(0);
    std::size_t column = 0;
    for (std::size_t i = 0; i < text.size(); i++) {
      if (text[i] == '\n') {
        start_line(i + 1);
        column = 0;
      } else if (!is_continuation(text[i])) {
        if (column > 0 && column % STEP == 0)
          marks_.push_back(i);
        column++;
      }
    }
  }

  std::size_t offset(const toml::source_position &position) const
  {
    std::size_t column = position.column - 1;
    std::size_t at = marks_.at(first_mark_.at(position.line - 1) + column / STEP);
    for (std::size_t left = column % STEP; left > 0; left--)
      do
        at++;
      while (at < text_.size() && is_continuation(text_[at]));
    return at;
  }

private:
  static constexpr std::size_t STEP = 256;

  static bool is_continuation(char c)
  {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
  }

  void start_line(std::size_t offset)
  {
    first_mark_.push_back(marks_.size());
    marks_.push_back(offset);
  }

  std::string_view text_;
  std::vector<std::size_t> marks_;      /* the offset of every STEPth character of each line */
  std::vector<std::size_t> first_mark_; /* index in marks_ of each line's first mark */
};

class Writer {
public:
  Writer(std::string_view text) : text_(text), places_(text)
  {
    out_.reserve(text.size() + text.size() / 2);
  }

  std::string write(const toml::table &root)
  {
    write_table(root, 1);
    return std::move(out_);
  }

private:
  static void check_depth(const toml::node &node, unsigned depth)
  {
    if (depth > TOML_MAX_DEPTH)
      throw TooDeep{node.source().begin.line, node.source().begin.column};
  }

  void write_table(const toml::table &table, unsigned depth)
  {
    check_depth(table, depth);
    out_ += '{';
    bool is_first = true;
    for (auto &&[key, value] : table) {
      if (!is_first)
        out_ += ',';
      is_first = false;
      write_string(key.str());
      out_ += ':';
      write_value(value, depth + 1);
    }
    out_ += '}';
  }

  void write_array(const toml::array &array, unsigned depth)
  {
    check_depth(array, depth);
    out_ += '[';
    bool is_first = true;
    for (auto &&value : array) {
      if (!is_first)
        out_ += ',';
      is_first = false;
      write_value(value, depth + 1);
    }
    out_ += ']';
  }

  void write_value(const toml::node &node, unsigned depth)
  {
    switch (node.type()) {
    case toml::node_type::table:
      return write_table(*node.as_table(), depth);
    case toml::node_type::array:
      return write_array(*node.as_array(), depth);
    case toml::node_type::string:
      return write_string(node.as_string()->get());
    case toml::node_type::integer:
      out_ += std::to_string(node.as_integer()->get());
      return;
    case toml::node_type::floating_point:
      return write_decimal(lexeme(node, "0123456789+-_.eEinfa"));
    case toml::node_type::boolean:
      out_ += node.as_boolean()->get() ? "true" : "false";
      return;
    default: /* a date, a time, or both */
      return write_date(lexeme(node, "0123456789+-:.TtZz "));
    }
  }

  /* The value's own text. */
  std::string_view lexeme(const toml::node &node, std::string_view characters) const
  {
    std::string_view rest = text_.substr(places_.offset(node.source().begin));
    return rest.substr(0, rest.find_first_not_of(characters));
  }

  void write_decimal(std::string_view text)
  {
    bool is_negative = text.front() == '-';
    if (text.find("inf") != text.npos)
      out_ += is_negative ? "-Infinity" : "Infinity";
    else if (text.find("nan") != text.npos)
      out_ += "NaN";
    else
      std::copy_if(text.begin() + (text.front() == '+'), text.end(), std::back_inserter(out_),
                   [](char c) { return c != '_'; });
  }

  void write_date(std::string_view text)
  {
    write_string(text.substr(0, text.find_last_not_of(' ') + 1));
  }

  void write_string(std::string_view text)
  {
    static constexpr char hex[] = "0123456789abcdef";
    out_ += '"';
    for (char c : text) {
      auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20) {
        out_ += "\\u00";
        out_ += hex[byte >> 4];
        out_ += hex[byte & 15];
        continue;
      }
      if (c == '"' || c == '\\')
        out_ += '\\';
      out_ += c;
    }
    out_ += '"';
  }

  std::string_view text_;
  Places places_;
  std::string out_;
};

/* Limits the length of dotted keys, because toml++ creates and frees its tables recursively without a limit: a long key
 * would exhaust the stack. Counts the dots of a key outside of strings and comments. Up to the document's first error,
 * which ends parsing, this scan agrees with the parser. */
class DotCounter {
public:
  explicit DotCounter(std::string_view text) : text_(text)
  {
  }

  void check()
  {
    unsigned dots = 0;
    for (at_ = 0; at_ < text_.size(); at_++) {
      char c = text_[at_];
      if (c == '"' || c == '\'')
        skip_string(c);
      else if (c == '#')
        at_ = std::min(text_.find('\n', at_), text_.size()) - 1;
      else if (std::strchr("\n=,[]{}", c) != nullptr)
        dots = 0;
      else if (c == '.' && ++dots > TOML_MAX_DEPTH)
        throw TooDeep{line_of(at_), 1};
    }
  }

private:
  unsigned line_of(std::size_t at) const
  {
    return 1 + static_cast<unsigned>(std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
  }

  /* Skips from the opening quote to the closing one; a string of one line ends with its line. */
  void skip_string(char quote)
  {
    bool is_long = text_.substr(at_, 3) == std::string(3, quote);
    at_ += is_long ? 3 : 1;
    for (; at_ < text_.size(); at_++) {
      if (quote == '"' && text_[at_] == '\\')
        at_++;
      else if (!is_long && (text_[at_] == quote || text_[at_] == '\n'))
        return;
      else if (is_long && text_.substr(at_, 3) == std::string(3, quote)) {
        at_ += 2;
        while (at_ + 1 < text_.size() && text_[at_ + 1] == quote) /* up to two quotes can precede the end */
          at_++;
        return;
      }
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

char *
copy(const std::string &text, std::size_t *ret_size)
{
  auto result = static_cast<char *>(std::malloc(text.size() + 1));
  if (result == nullptr)
    return nullptr;
  std::memcpy(result, text.c_str(), text.size() + 1);
  *ret_size = text.size();
  return result;
}

void
describe(TomlProblem *problem, std::string_view text, unsigned line, unsigned column, bool is_too_deep)
{
  std::size_t size = std::min(text.size(), sizeof problem->text - 1);
  std::memcpy(problem->text, text.data(), size);
  problem->text[size] = '\0';
  problem->line = line;
  problem->column = column;
  problem->is_too_deep = is_too_deep;
}

} // namespace

extern "C" char *
toml_to_json(const char *text, std::size_t size, std::size_t *ret_size, TomlProblem *ret_problem)
{
  *ret_problem = TomlProblem{};
  try {
    std::string_view view(text, size);
    DotCounter(view).check();
    toml::table root = toml::parse(view);
    return copy(Writer(view).write(root), ret_size);
  } catch (const toml::parse_error &error) {
    describe(ret_problem, error.description(), error.source().begin.line, error.source().begin.column, false);
  } catch (const TooDeep &problem) {
    describe(ret_problem, "nested more than 64 deep", problem.line, problem.column, true);
  } catch (const std::exception &error) {
    describe(ret_problem, error.what(), 0, 0, false);
  } catch (...) {
    describe(ret_problem, "failed", 0, 0, false);
  }
  return nullptr;
}
