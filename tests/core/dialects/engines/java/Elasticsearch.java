// Reads documents, one line of JSON each, then answers each query in Query DSL with the ids that it selects.
// Documents are indexed as Elasticsearch's dynamic mapping does, and each leaf becomes the query of Lucene that
// Elasticsearch makes of it: https://www.elastic.co/docs/manage-data/data-store/mapping/dynamic-field-mapping

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FloatPoint;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.SortedNumericDocValuesField;
import org.apache.lucene.document.SortedSetDocValuesField;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.AutomatonQuery;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.DocValuesFieldExistsQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.NormsFieldExistsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermInSetQuery;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TermRangeQuery;
import org.apache.lucene.search.WildcardQuery;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.NumericUtils;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;

public class Elasticsearch {
  static final int IGNORE_ABOVE = 256;
  // The types of fields and sub-fields, each by the first value that the field has.
  static final Map<String, String> TYPES = new HashMap<>();
  static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] arguments) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, "UTF-8");
    ByteBuffersDirectory directory = new ByteBuffersDirectory();
    try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(new StandardAnalyzer()))) {
      for (JsonNode source : JSON.readTree(in.readLine())) {
        writer.addDocument(document(source));
      }
    }
    IndexSearcher searcher = new IndexSearcher(DirectoryReader.open(directory));
    out.println("null");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      try {
        List<Integer> ids = new ArrayList<>();
        for (ScoreDoc hit : searcher.search(query(JSON.readTree(line)), 10_000).scoreDocs) {
          ids.add(searcher.doc(hit.doc).getField("_id").numericValue().intValue());
        }
        out.println(JSON.writeValueAsString(ids));
      } catch (RuntimeException error) {
        out.println(JSON.writeValueAsString(String.valueOf(error)));
      }
    }
  }

  // Documents

  static Document document(JsonNode source) {
    Document document = new Document();
    document.add(new StoredField("_id", source.get("id").intValue()));
    for (Iterator<Map.Entry<String, JsonNode>> fields = source.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> field = fields.next();
      for (JsonNode value : field.getValue().isArray() ? field.getValue() : List.of(field.getValue())) {
        if (!value.isNull()) {
          add(document, field.getKey(), value);
        }
      }
    }
    return document;
  }

  static void add(Document document, String name, JsonNode value) {
    switch (TYPES.computeIfAbsent(name, any -> type(value))) {
      case "boolean":
        addTerm(document, name, flag(value));
        break;
      case "long":
        addLong(document, name, value.longValue());
        break;
      case "date":
        addLong(document, name, instant(value.textValue(), false));
        break;
      case "float":
        document.add(new FloatPoint(name, value.floatValue()));
        document.add(new SortedNumericDocValuesField(name, NumericUtils.floatToSortableInt(value.floatValue())));
        break;
      default:
        document.add(new TextField(name, value.textValue(), Field.Store.NO));
        TYPES.put(name + ".keyword", "keyword");
        if (value.textValue().length() <= IGNORE_ABOVE) {
          addTerm(document, name + ".keyword", value.textValue());
        }
    }
  }

  static String type(JsonNode value) {
    if (value.isBoolean()) {
      return "boolean";
    }
    if (value.isNumber()) {
      return value.isFloatingPointNumber() ? "float" : "long";
    }
    return value.textValue().matches("\\d{4}-\\d\\d-\\d\\d(T.*)?") ? "date" : "text";
  }

  static void addTerm(Document document, String name, String term) {
    document.add(new StringField(name, term, Field.Store.NO));
    document.add(new SortedSetDocValuesField(name, new BytesRef(term)));
  }

  static void addLong(Document document, String name, long number) {
    document.add(new LongPoint(name, number));
    document.add(new SortedNumericDocValuesField(name, number));
  }

  static String flag(JsonNode value) {
    return value.booleanValue() ? "T" : "F";
  }

  // A date in a query whose last parts are missing is the first or the last millisecond that it may be.
  static long instant(String text, boolean last) {
    if (text.length() == 10) {
      LocalDate day = LocalDate.parse(text);
      Instant start = (last ? day.plusDays(1) : day).atStartOfDay().toInstant(ZoneOffset.UTC);
      return start.toEpochMilli() - (last ? 1 : 0);
    }
    return Instant.parse(text).toEpochMilli() + (last && !text.contains(".") ? 999 : 0);
  }

  // Queries

  static Query query(JsonNode node) {
    Map.Entry<String, JsonNode> only = only(node);
    JsonNode body = only.getValue();
    switch (only.getKey()) {
      case "bool":
        return bool(body);
      case "exists":
        return exists(body.get("field").textValue());
      case "term":
        return term(only(body).getKey(), only(body).getValue());
      case "terms":
        return terms(only(body).getKey(), only(body).getValue());
      case "range":
        return range(only(body).getKey(), only(body).getValue());
      case "wildcard":
        return wildcard(only(body).getKey(), only(body).getValue());
      default:
        throw new IllegalArgumentException("unknown query " + only.getKey());
    }
  }

  static Map.Entry<String, JsonNode> only(JsonNode node) {
    if (node.size() != 1) {
      throw new IllegalArgumentException("one member is expected in " + node);
    }
    return node.fields().next();
  }

  static Query bool(JsonNode body) {
    BooleanQuery.Builder builder = new BooleanQuery.Builder();
    boolean onlyNegative = true;
    for (Iterator<Map.Entry<String, JsonNode>> members = body.fields(); members.hasNext(); ) {
      Map.Entry<String, JsonNode> member = members.next();
      if (member.getKey().equals("minimum_should_match")) {
        builder.setMinimumNumberShouldMatch(member.getValue().intValue());
        continue;
      }
      Occur occur = Occur.valueOf(member.getKey().toUpperCase());
      for (JsonNode part : member.getValue()) {
        builder.add(query(part), occur);
        onlyNegative &= occur == Occur.MUST_NOT;
      }
    }
    return onlyNegative ? builder.add(new MatchAllDocsQuery(), Occur.FILTER).build() : builder.build();
  }

  static Query exists(String field) {
    if (!TYPES.containsKey(field)) {
      return new MatchNoDocsQuery();
    }
    return TYPES.get(field).equals("text") ? new NormsFieldExistsQuery(field) : new DocValuesFieldExistsQuery(field);
  }

  static Query term(String field, JsonNode body) {
    JsonNode value = body.get("value");
    boolean insensitive = body.path("case_insensitive").asBoolean();
    switch (typeOf(field)) {
      case "boolean":
        return new TermQuery(new Term(field, flag(value)));
      case "long":
        return LongPoint.newExactQuery(field, whole(value));
      case "float":
        return FloatPoint.newExactQuery(field, value.floatValue());
      case "date":
        return LongPoint.newRangeQuery(field, instant(value.textValue(), false), instant(value.textValue(), true));
      default:
        Term term = new Term(field, value.textValue());
        return insensitive ? new AutomatonQuery(term, insensitive(value.textValue(), false)) : new TermQuery(term);
    }
  }

  static Query terms(String field, JsonNode values) {
    switch (typeOf(field)) {
      case "keyword":
        List<BytesRef> terms = new ArrayList<>();
        values.forEach(value -> terms.add(new BytesRef(value.textValue())));
        return new TermInSetQuery(field, terms);
      case "long":
        List<Long> numbers = new ArrayList<>();
        values.forEach(value -> numbers.add(whole(value)));
        return LongPoint.newSetQuery(field, numbers);
      case "float":
        List<Float> fractions = new ArrayList<>();
        values.forEach(value -> fractions.add(value.floatValue()));
        return FloatPoint.newSetQuery(field, fractions);
      default:
        BooleanQuery.Builder builder = new BooleanQuery.Builder();
        values.forEach(value -> builder.add(term(field, JSON.createObjectNode().set("value", value)), Occur.SHOULD));
        return builder.build();
    }
  }

  static Query range(String field, JsonNode limits) {
    JsonNode low = limits.has("gt") ? limits.get("gt") : limits.get("gte");
    JsonNode high = limits.has("lt") ? limits.get("lt") : limits.get("lte");
    boolean withLow = !limits.has("gt");
    boolean withHigh = !limits.has("lt");
    switch (typeOf(field)) {
      case "keyword":
        return TermRangeQuery.newStringRange(field, text(low), text(high), withLow, withHigh);
      case "float":
        float least = low == null ? Float.NEGATIVE_INFINITY : low.floatValue();
        float most = high == null ? Float.POSITIVE_INFINITY : high.floatValue();
        return FloatPoint.newRangeQuery(
            field, withLow ? least : FloatPoint.nextUp(least), withHigh ? most : FloatPoint.nextDown(most));
      case "date":
        long since = low == null ? Long.MIN_VALUE : instant(low.textValue(), !withLow);
        long until = high == null ? Long.MAX_VALUE : instant(high.textValue(), withHigh);
        return LongPoint.newRangeQuery(field, withLow ? since : since + 1, withHigh ? until : until - 1);
      default:
        long from = low == null ? Long.MIN_VALUE : whole(low);
        long to = high == null ? Long.MAX_VALUE : whole(high);
        return LongPoint.newRangeQuery(field, withLow ? from : from + 1, withHigh ? to : to - 1);
    }
  }

  static Query wildcard(String field, JsonNode body) {
    if (!typeOf(field).equals("keyword")) {
      throw new IllegalArgumentException("wildcards are for keywords, not for " + field);
    }
    Term term = new Term(field, body.get("value").textValue());
    boolean insensitive = body.path("case_insensitive").asBoolean();
    return insensitive ? new AutomatonQuery(term, insensitive(term.text(), true)) : new WildcardQuery(term);
  }

  // Elasticsearch folds A to Z only.
  static Automaton insensitive(String text, boolean wildcards) {
    List<Automaton> parts = new ArrayList<>();
    int[] signs = text.codePoints().toArray();
    for (int index = 0; index < signs.length; index++) {
      if (wildcards && signs[index] == '*') {
        parts.add(Automata.makeAnyString());
      } else if (wildcards && signs[index] == '?') {
        parts.add(Automata.makeAnyChar());
      } else if (wildcards && signs[index] == '\\' && index + 1 < signs.length) {
        parts.add(Automata.makeChar(signs[++index]));
      } else {
        parts.add(letter(signs[index]));
      }
    }
    return Operations.concatenate(parts);
  }

  static Automaton letter(int sign) {
    int other = Character.isLowerCase(sign) ? Character.toUpperCase(sign) : Character.toLowerCase(sign);
    Automaton same = Automata.makeChar(sign);
    return sign > 127 || other == sign ? same : Operations.union(same, Automata.makeChar(other));
  }

  static String typeOf(String field) {
    String type = TYPES.get(field);
    if (type == null || type.equals("text")) {
      throw new IllegalArgumentException("only whole values are compared, not the " + type + " " + field);
    }
    return type;
  }

  static long whole(JsonNode value) {
    if (!value.canConvertToExactIntegral() || !value.canConvertToLong()) {
      throw new IllegalArgumentException("not a long: " + value);
    }
    return value.longValue();
  }

  static String text(JsonNode value) {
    return value == null ? null : value.textValue();
  }
}
