// Reads the schema and the documents as a line of JSON, then answers each filter with the ids that it selects.
// Solr's own parser builds on this one of Lucene. Fields are indexed as Solr's types `string`, `plong`, `pdouble`,
// `pdate` and `boolean` are.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.core.KeywordAnalyzer;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.DoublePoint;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongPoint;
import org.apache.lucene.document.StoredField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.queryparser.classic.ParseException;
import org.apache.lucene.queryparser.classic.QueryParser;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermInSetQuery;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TermRangeQuery;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.util.BytesRef;

public class Solr {
  static final Map<String, String> TYPES = new HashMap<>();
  static final ObjectMapper JSON = new ObjectMapper();
  // A query of the parser `terms` within another query.
  static final Pattern TERMS =
      Pattern.compile("\\{!terms f=(\\S+) separator='(.*?)' v='([^'\\\\]*+(?:\\\\.[^'\\\\]*+)*+)'}", Pattern.DOTALL);
  static final String PLACEHOLDER = "_terms";

  public static void main(String[] arguments) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, true, "UTF-8");
    ByteBuffersDirectory directory = new ByteBuffersDirectory();
    JsonNode shop = JSON.readTree(in.readLine());
    shop.get("types").fields().forEachRemaining(type -> TYPES.put(type.getKey(), type.getValue().textValue()));
    try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig(new KeywordAnalyzer()))) {
      for (JsonNode source : shop.get("documents")) {
        writer.addDocument(document(source));
      }
    }
    IndexSearcher searcher = new IndexSearcher(DirectoryReader.open(directory));
    out.println("null");
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      try {
        Query query = new Parser().parseAll(JSON.readTree(line).textValue());
        List<Integer> ids = new ArrayList<>();
        for (ScoreDoc hit : searcher.search(query, 10_000).scoreDocs) {
          ids.add(searcher.doc(hit.doc).getField("_id").numericValue().intValue());
        }
        out.println(JSON.writeValueAsString(ids));
      } catch (ParseException | RuntimeException error) {
        out.println(JSON.writeValueAsString(String.valueOf(error)));
      }
    }
  }

  static Document document(JsonNode source) {
    Document document = new Document();
    document.add(new StoredField("_id", source.get("id").intValue()));
    source.get("fields").fields().forEachRemaining(
        field -> field.getValue().forEach(value -> add(document, field.getKey(), value.textValue())));
    return document;
  }

  static void add(Document document, String name, String value) {
    document.add(new StringField("_present", name, Field.Store.NO));
    switch (TYPES.get(name)) {
      case "long":
        document.add(new LongPoint(name, Long.parseLong(value)));
        break;
      case "date":
        document.add(new LongPoint(name, Instant.parse(value).toEpochMilli()));
        break;
      case "double":
        document.add(new DoublePoint(name, Double.parseDouble(value)));
        break;
      default:
        document.add(new StringField(name, value, Field.Store.NO));
    }
  }

  static class Parser extends QueryParser {
    final List<Query> sets = new ArrayList<>();

    Parser() {
      super("", new KeywordAnalyzer());
      setAllowLeadingWildcard(true);
    }

    Query parseAll(String text) throws ParseException {
      StringBuilder rest = new StringBuilder();
      Matcher matcher = TERMS.matcher(text);
      while (matcher.find()) {
        sets.add(set(matcher.group(1), unescaped(matcher.group(3)).split(Pattern.quote(unescaped(matcher.group(2))), -1)));
        matcher.appendReplacement(rest, PLACEHOLDER + ":" + (sets.size() - 1));
      }
      return parse(matcher.appendTail(rest).toString());
    }

    static String unescaped(String text) {
      return text.replaceAll("(?s)\\\\(.)", "$1");
    }

    Query set(String field, String[] values) throws ParseException {
      List<BytesRef> terms = new ArrayList<>();
      List<Long> numbers = new ArrayList<>();
      List<Double> fractions = new ArrayList<>();
      for (String value : values) {
        switch (type(field)) {
          case "string":
            terms.add(new BytesRef(value));
            break;
          case "double":
            fractions.add(Double.parseDouble(value));
            break;
          default:
            numbers.add(number(field, value));
        }
      }
      switch (type(field)) {
        case "string":
          return new TermInSetQuery(field, terms);
        case "double":
          return DoublePoint.newSetQuery(field, fractions);
        default:
          return LongPoint.newSetQuery(field, numbers);
      }
    }

    @Override
    protected Query getFieldQuery(String field, String text, boolean quoted) throws ParseException {
      if (field.equals(PLACEHOLDER)) {
        return sets.get(Integer.parseInt(text));
      }
      String type = type(field);
      return type.equals("string") ? new TermQuery(new Term(field, text)) : range(field, text, text, true, true);
    }

    @Override
    protected Query getFieldQuery(String field, String text, int slop) throws ParseException {
      return getFieldQuery(field, text, true);
    }

    @Override
    protected Query getRangeQuery(String field, String low, String high, boolean withLow, boolean withHigh)
        throws ParseException {
      if (low == null && high == null) {
        type(field);
        return new TermQuery(new Term("_present", field));
      }
      return range(field, low, high, withLow, withHigh);
    }

    Query range(String field, String low, String high, boolean withLow, boolean withHigh) throws ParseException {
      switch (type(field)) {
        case "double":
          double least = low == null ? Double.NEGATIVE_INFINITY : Double.parseDouble(low);
          double most = high == null ? Double.POSITIVE_INFINITY : Double.parseDouble(high);
          return DoublePoint.newRangeQuery(
              field, withLow ? least : DoublePoint.nextUp(least), withHigh ? most : DoublePoint.nextDown(most));
        case "string":
          return TermRangeQuery.newStringRange(field, low, high, withLow, withHigh);
        default:
          long from = low == null ? Long.MIN_VALUE : number(field, low);
          long to = high == null ? Long.MAX_VALUE : number(field, high);
          return LongPoint.newRangeQuery(field, withLow || low == null ? from : from + 1, withHigh || high == null ? to : to - 1);
      }
    }

    long number(String field, String text) throws ParseException {
      return type(field).equals("date") ? Instant.parse(text).toEpochMilli() : Long.parseLong(text);
    }

    String type(String field) throws ParseException {
      if (!TYPES.containsKey(field)) {
        throw new ParseException("undefined field " + field);
      }
      return TYPES.get(field);
    }
  }
}
